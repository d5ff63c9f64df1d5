"""What a GPU preset needs: its engine and its trainer, on random weights of its model's shape.

    python benchmarks/gpu_presets.py gpu-1b --tokenizer FOLDER [--parts engine,sft,dpo] [--set a.b=c]

The engine answers the preset's own requests about the starter benchmark (random weights never stop, so every
completion has `max_tokens`); the trainer takes batches of rows that are as long as `training.max_length`
allows, the most memory that a row can take. Neither depends on what the weights say. Prints a line of JSON a
part; memory is what torch allocated at most, without the CUDA context and what its allocator holds back.

`--tokenizer` is a folder with a tokenizer (a checkpoint of the packaged model has one), `--batches` how many
batches are trained on, `--prompts` how many problems are sampled.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.benchmarks.starter import load_starter
from tasks.core.rows import Pair, SftRow
from tasks.generation.sampling import requests_of
from tasks.inference.base import Request
from tasks.inference.sampler import VllmSampler
from tasks.models.chat_format import format_of
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings
from tasks.training.process import run_training
from tasks.training.worker import copy_tokenizer

# From the models' public config.json.
SHAPES: dict[str, dict[str, Any]] = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": {
        "vocab_size": 49_152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    },
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": {
        "vocab_size": 49_152,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 24,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    },
    "meta-llama/Llama-3.1-8B-Instruct": {
        "vocab_size": 128_256,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "max_position_embeddings": 131_072,
        "tie_word_embeddings": False,
    },
}


def random_model(shape: dict[str, Any], tokenizer: Path, folder: Path) -> Path:
    """A Llama of this shape with random bfloat16 weights; never samples what the tokenizer does not know."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    known = AutoTokenizer.from_pretrained(tokenizer)
    config = LlamaConfig(**shape, dtype="bfloat16", eos_token_id=known.eos_token_id)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(config)
    # A logit of exactly zero is never among the top_k of fifty thousand random ones.
    model.lm_head.weight.data[len(known) :] = 0
    model.save_pretrained(folder)
    copy_tokenizer(tokenizer, folder)
    return folder


def measure_engine(model: Path, settings: IterationSettings, count: int, logs: Path) -> dict[str, Any]:
    """Start, tokens a second at the preset's own requests, and whether a batch comes out the same twice."""
    sampling = settings.sampling
    problems = load_starter()
    chat_format = format_of(model, sampling)

    def requests(number: int, solutions: int, suites: int) -> list[Request]:
        counts = {"solutions": solutions, "suites": suites, "solver_cool_share": 0}
        own = sampling.model_copy(update=counts)
        return [
            asked.request
            for index in range(number)
            for asked in requests_of(problems[index % len(problems)], own, index, chat_format)
        ]

    sampler = VllmSampler(model, settings.model.dtype, sampling.max_context_tokens, settings.engine, logs)
    try:
        few = requests(8, 4, 2)
        first = sampler.generate(few)
        started = time.monotonic()
        answers = sampler.generate(requests(count, sampling.solutions, sampling.suites))
        seconds = time.monotonic() - started
        again = sampler.generate(few)
    finally:
        sampler.close()
    tokens = sum(part.tokens for parts in answers for part in parts)
    equal = sum(a == b for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True))
    return {
        "start_s": sampler.start_s,
        "completions": sum(map(len, answers)),
        "tokens": tokens,
        "seconds": round(seconds, 1),
        "tokens_per_s": round(tokens / seconds),
        "equal_when_asked_again": f"{equal} of {sum(map(len, first))}",
    }


def measure_training(
    stage: Any, model: Path, settings: IterationSettings, batches: int, work: Path
) -> dict[str, Any]:
    """Memory and seconds a step, all rows of a batch `max_length` tokens long."""
    from transformers import AutoTokenizer

    longest, size = settings.training.max_length, settings.training.batch_size * batches
    prompt = "def f():\n   "
    room = longest - len(AutoTokenizer.from_pretrained(model)(prompt)["input_ids"]) - 1
    one, other = " a" * room, " b" * room
    rows: list[SftRow | Pair] = [
        SftRow(f"row{index}", "solver", f"p{index}", prompt, one)
        if stage == "sft"
        else Pair(f"row{index}", "solver", f"p{index}", prompt, one, other, "measured")
        for index in range(size)
    ]
    rows_file = work / f"{stage}.jsonl"
    rows_file.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    clock = _Clock()
    once = {"sft_epochs": 1, "dpo_epochs": 1}
    result = run_training(
        stage,
        model,
        rows_file,
        work / f"{stage}-model",
        settings.training.model_copy(update=once),
        settings.model.dtype,
        0,
        work / f"{stage}.log",
        clock.log_progress,
    )
    writing_s = clock.writing_s()
    shutil.rmtree(result.model)
    tokens = longest * settings.training.batch_size * (1 if stage == "sft" else 2)
    step_s = clock.step_s()
    return {
        "rows": result.rows_used,
        "too_long": result.rows_too_long,
        "steps": result.steps,
        "gpu_gib": round(result.gpu_mb / 1024, 1),
        "memory_gib": round(result.memory_mb / 1024, 1),
        "step_s": round(step_s, 2),
        "tokens_per_s": round(tokens / step_s),
        "until_first_step_s": round(clock.until_first_step_s(), 1),
        "writing_s": round(writing_s, 1),
        "seconds": round(result.seconds, 1),
    }


class _Clock:
    """When the trainer said what."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._said: list[tuple[float, str]] = []

    def log_progress(self, text: str) -> None:
        self._said.append((time.monotonic(), text))
        print(text, file=sys.stderr, flush=True)

    def step_s(self) -> float:
        """Seconds a step, between the first and the last that were told."""
        steps = [(at, int(found[1])) for at, text in self._said if (found := re.search(r"step (\d+)/", text))]
        (start, first), (end, last) = steps[0], steps[-1]
        return (end - start) / (last - first) if last > first else float("nan")

    def until_first_step_s(self) -> float:
        """Seconds of starting, loading and, for DPO, of scoring pairs with the reference, and one step."""
        return next(at for at, text in self._said if "step 1/" in text) - self._started

    def writing_s(self) -> float:
        """Seconds from the announcement of the checkpoint to now."""
        return time.monotonic() - next(at for at, text in self._said if "writing" in text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--parts", default="engine,sft,dpo")
    parser.add_argument("--model", default="", help="a name of SHAPES; the preset's own without it")
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--work", type=Path, default=None, help="folder with room for two checkpoints")
    arguments = parser.parse_args()
    settings = load_settings(arguments.preset, None, tuple(arguments.set))
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        work = Path(folder)
        name = arguments.model or settings.model.name
        started = time.monotonic()
        model = random_model(SHAPES[name], arguments.tokenizer.resolve(), work / "model")
        _print("model", {"name": name, "seconds": round(time.monotonic() - started, 1)})
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "engine": lambda: measure_engine(model, settings, arguments.prompts, work / "logs"),
            "sft": lambda: measure_training("sft", model, settings, arguments.batches, work),
            "dpo": lambda: measure_training("dpo", model, settings, arguments.batches, work),
        }
        for part in arguments.parts.split(","):
            _print(part, parts[part]())


def _print(part: str, figures: dict[str, Any]) -> None:
    print(json.dumps({"part": part, **figures}), flush=True)


if __name__ == "__main__":
    main()
