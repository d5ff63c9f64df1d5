"""One training stage, alone in its process: `python -m tasks.training_child JOB FD` (see `tasks.training`).

It reads rows, tokenizes them, trains with TRL and writes a full checkpoint. What it has to say goes to a
JSONL file of events; everything that libraries print goes to its stdout, which its parent sends to a log.
Heavy imports stay inside `train`: the parent imports this module for the plan and the job.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import random
import resource
import select
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from tasks.errors import FlywheelError
from tasks.records import Pair, SftRow
from tasks.settings import TrainingSettings

Stage = Literal["sft", "dpo"]
Say = Callable[[dict[str, Any]], None]
_TOKENIZER_FILES = (
    "tokenizer*",
    "*.model",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*chat_template*",
)
_Row = TypeVar("_Row", SftRow, Pair)


class Tokenizer(Protocol):
    """What a plan needs of a tokenizer (a transformers one fits)."""

    eos_token_id: Any

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> Any: ...


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a child needs; paths are absolute."""

    stage: Stage
    model: str
    rows: str
    checkpoint: str
    events: str
    base_model: str
    dtype: Literal["float32", "bfloat16"]
    seed: int
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Token rows ready for TRL, in training order, and the ids of rows that were longer than the limit.

    SFT rows hold `input_ids` and `labels` (-100 over the prompt); DPO rows hold `prompt_ids`, `chosen_ids`
    and `rejected_ids`.
    """

    rows: tuple[dict[str, list[int]], ...]
    too_long: tuple[str, ...]


def plan_sft(rows: Sequence[SftRow], tokenizer: Tokenizer, max_length: int, seed: int) -> Plan:
    """Tokenize SFT rows; loss on the completion and its end-of-text token alone."""

    def encode(row: SftRow) -> tuple[int, dict[str, list[int]]]:
        prompt = _prompt_ids(row.prompt, tokenizer)
        completion = _completion_ids(row.prompt, prompt, row.completion, tokenizer)
        return len(prompt) + len(completion), {
            "input_ids": prompt + completion,
            "labels": [-100] * len(prompt) + completion,
        }

    return _plan(rows, encode, max_length, seed)


def plan_dpo(pairs: Sequence[Pair], tokenizer: Tokenizer, max_length: int, seed: int) -> Plan:
    """Tokenize preference pairs; a pair is as long as its longer side."""

    def encode(pair: Pair) -> tuple[int, dict[str, list[int]]]:
        prompt = _prompt_ids(pair.prompt, tokenizer)
        chosen = _completion_ids(pair.prompt, prompt, pair.chosen, tokenizer)
        rejected = _completion_ids(pair.prompt, prompt, pair.rejected, tokenizer)
        return len(prompt) + max(len(chosen), len(rejected)), {
            "prompt_ids": prompt,
            "chosen_ids": chosen,
            "rejected_ids": rejected,
        }

    return _plan(pairs, encode, max_length, seed)


def _plan(
    rows: Sequence[_Row],
    encode: Callable[[_Row], tuple[int, dict[str, list[int]]]],
    max_length: int,
    seed: int,
) -> Plan:
    # Sorted before the shuffle: the same set of rows trains the same weights, however it was gathered.
    ordered = sorted(rows, key=lambda row: row.row_id)
    random.Random(seed).shuffle(ordered)
    kept: list[dict[str, list[int]]] = []
    too_long: list[str] = []
    for row in ordered:
        length, encoded = encode(row)
        if length > max_length:
            too_long.append(row.row_id)
        else:
            kept.append(encoded)
    return Plan(tuple(kept), tuple(sorted(too_long)))


def _prompt_ids(prompt: str, tokenizer: Tokenizer) -> list[int]:
    return list(tokenizer(prompt)["input_ids"])


def _completion_ids(prompt: str, prompt_ids: list[int], completion: str, tokenizer: Tokenizer) -> list[int]:
    # The model samples after the prompt's own tokens. Tokenized as one text, "assert f(" + "[1])" merges
    # into "([" and TRL then trains a context without its "(": one the model never meets when it samples.
    together = list(tokenizer(prompt + completion)["input_ids"])
    if together[: len(prompt_ids)] == prompt_ids:
        ids = together[len(prompt_ids) :]
    else:
        ids = list(tokenizer(completion, add_special_tokens=False)["input_ids"])
    return ids if ids[-1:] == [tokenizer.eos_token_id] else [*ids, int(tokenizer.eos_token_id)]


def micro_batch(batch_size: int, limit: int) -> int:
    """The largest micro batch up to `limit` that divides `batch_size`, so that a step is exactly a batch."""
    return max(size for size in range(1, min(batch_size, limit) + 1) if batch_size % size == 0)


def check_health(losses: Sequence[float], grad_norm: float) -> None:
    """Stop a run that broke.

    Raises:
        FlywheelError: a loss or gradient is not finite, or the mean of the last three losses is far above
            the first loss.
    """
    step = len(losses)
    if not (math.isfinite(losses[-1]) and math.isfinite(grad_norm)):
        raise FlywheelError(
            f"training broke at step {step}: loss {losses[-1]}, gradient norm {grad_norm}; "
            "lower the learning rate, or compute in float32"
        )
    recent = sum(losses[-3:]) / 3
    if step > 3 and recent > 3 * losses[0] + 1:
        raise FlywheelError(
            f"training diverges: loss {losses[0]:.3g} at the start, {recent:.3g} around step {step}; "
            "lower the learning rate"
        )


def explain(error: BaseException) -> str:
    """The cause of a failure in one sentence; "" when only the traceback in the log can tell."""
    if isinstance(error, FlywheelError):
        return str(error)
    text = str(error)
    # safetensors has an error type of its own, which carries no errno.
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left on device" in text:
        return "the disk is full: free space, or move the workspace"
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return "out of memory: lower micro_batch_size or max_length, or train with method lora"
    return ""


def model_card(job: Job, rows: int, too_long: int, steps: int, versions: dict[str, str]) -> str:
    """The README of a checkpoint, in Hugging Face's format. Holds no clock: equal runs give equal files."""
    settings = TrainingSettings(**job.settings)
    dpo = job.stage == "dpo"
    return "\n".join(
        [
            "---",
            f"base_model: {json.dumps(job.base_model)}",
            "library_name: transformers",
            "pipeline_tag: text-generation",
            f"tags: [solver-verifier-flywheel, {job.stage}]",
            "---",
            f"# {Path(job.base_model).name}: solver and verifier, {job.stage.upper()}",
            "",
            "Trained by the solver-verifier flywheel on code and tests that the model wrote itself and that",
            "agreed when they were executed.",
            "",
            f"- Base model: {job.base_model}",
            f"- Parent checkpoint: {Path(job.model).name}",
            f"- Rows: {rows} (dropped as too long: {too_long}), steps: {steps}, seed: {job.seed}",
            f"- Method: {settings.method}, computed in {job.dtype}, stored in float32",
            f"- Learning rate: {settings.dpo_learning_rate if dpo else settings.sft_learning_rate}, "
            f"epochs: {settings.dpo_epochs if dpo else settings.sft_epochs}, batch: {settings.batch_size}",
            *([f"- beta: {settings.dpo_beta}, SFT term: {settings.dpo_sft_weight}"] if dpo else []),
            f"- Software: {', '.join(f'{name} {version}' for name, version in versions.items())}",
            "",
        ]
    )


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy a checkpoint's tokenizer, chat template included, byte by byte.

    Not through `save_pretrained`: that writes the trainer's padding token and the machine's cache state.
    """
    for pattern in _TOKENIZER_FILES:
        for path in source.glob(pattern):
            if path.is_dir():
                shutil.copytree(path, folder / path.name)
            else:
                shutil.copyfile(path, folder / path.name)


def read_rows(path: Path, stage: Stage) -> list[SftRow] | list[Pair]:
    """Rows of a JSONL file, one `SftRow` (sft) or `Pair` (dpo) a line.

    Raises:
        FlywheelError: a line is no such row.
    """
    kind = SftRow if stage == "sft" else Pair
    rows: list[Any] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
                rows.append(kind(**{**values, "sources": tuple(values.get("sources", ()))}))
            except (ValueError, TypeError, AttributeError) as error:
                raise FlywheelError(
                    f"{path}, line {number}: not a row of the {stage} stage ({error})"
                ) from error
    return rows


def train(job: Job, tell: Say) -> None:
    """Run one stage and write its checkpoint to `job.checkpoint`.

    Events told, in order: `phase` (text); `rows` with `too_long` ids; `total` (steps); one with `step`,
    `loss` and, for DPO, `margin` and `accuracy` a step; `memory_mb` with `gpu_mb`.

    Raises:
        FlywheelError: no row fits, the disk is too small, or the run diverged.
    """
    settings = TrainingSettings(**job.settings)
    rows = read_rows(Path(job.rows), job.stage)

    import datasets
    import torch
    import transformers
    import trl
    from transformers import AutoConfig, AutoTokenizer, TrainerCallback

    on_gpu = torch.cuda.is_available()
    if not on_gpu:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 0)) or os.cpu_count() or 1)
    torch.use_deterministic_algorithms(True, warn_only=True)

    tokenizer = AutoTokenizer.from_pretrained(job.model)
    if tokenizer.eos_token_id is None:
        raise FlywheelError(f"the tokenizer of {job.model} names no end-of-text token; set eos_token in it")
    plan_rows: Callable[..., Plan] = plan_sft if job.stage == "sft" else plan_dpo
    plan = plan_rows(rows, tokenizer, settings.max_length, job.seed)
    tell({"rows": len(plan.rows), "too_long": plan.too_long})
    if not plan.rows:
        raise FlywheelError(
            f"none of {len(rows)} rows fits into max_length {settings.max_length} tokens; raise it"
        )

    losses: list[float] = []

    class Reporter(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            tell({"total": int(state.max_steps)})

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if not logs or "loss" not in logs:
                return
            losses.append(float(logs["loss"]))
            event = {"step": int(state.global_step), "loss": losses[-1]}
            if "rewards/margins" in logs:
                event["margin"] = float(logs["rewards/margins"])
                event["accuracy"] = float(logs["rewards/accuracies"])
            tell(event)
            check_health(losses, float(logs.get("grad_norm", 0.0)))

    class TokenizedDPO(trl.DPOTrainer):  # type: ignore[misc]
        # TRL would tokenize prompt and completion as one text (see `_completion_ids`), and for DPO it has
        # no way around that but this hook.
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    micro = micro_batch(settings.batch_size, settings.micro_batch_size)
    dpo = job.stage == "dpo"
    epochs = settings.dpo_epochs if dpo else settings.sft_epochs
    steps = math.ceil(epochs * math.ceil(len(plan.rows) / settings.batch_size))
    lora = settings.method == "lora"
    arguments: dict[str, Any] = {
        "output_dir": str(Path(job.checkpoint).parent / "trainer"),
        # Full training keeps float32 weights and computes in bfloat16: a step of 2e-6 is far below what a
        # bfloat16 weight can hold. A LoRA base is frozen, so it may be bfloat16.
        "model_init_kwargs": {"dtype": job.dtype if lora else "float32"},
        "bf16": job.dtype == "bfloat16",
        "max_length": None,
        "learning_rate": settings.dpo_learning_rate if dpo else settings.sft_learning_rate,
        "num_train_epochs": epochs,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": settings.batch_size // micro,
        "lr_scheduler_type": "cosine",
        # The first step of a warmup has learning rate 0: in a run of a few steps that is a step lost.
        "warmup_steps": steps // 10 if steps >= 20 else 0,
        # On a CPU recomputing activations makes a step several times slower, and memory is no problem.
        "gradient_checkpointing": on_gpu,
        "use_cpu": not on_gpu,
        "dataloader_pin_memory": on_gpu,
        "seed": job.seed,
        "data_seed": job.seed,
        "logging_steps": 1,
        # Otherwise the Trainer hides a NaN loss behind the mean of the losses before it.
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
    adapter = None
    if lora:
        from peft import LoraConfig

        adapter = LoraConfig(
            r=settings.lora_rank,
            lora_alpha=2 * settings.lora_rank,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
    common: dict[str, Any] = {
        "model": job.model,
        "train_dataset": datasets.Dataset.from_list(list(plan.rows)),
        "processing_class": tokenizer,
        "callbacks": [Reporter()],
        "peft_config": adapter,
    }
    tell({"phase": "loading the model" + (" and scoring pairs with the reference" if dpo else "")})
    if dpo:
        trainer = TokenizedDPO(
            args=trl.DPOConfig(
                **arguments,
                beta=settings.dpo_beta,
                loss_type=["sigmoid", "sft"],
                loss_weights=[1.0, settings.dpo_sft_weight],
                precompute_ref_log_probs=True,
            ),
            **common,
        )
    else:
        trainer = trl.SFTTrainer(args=trl.SFTConfig(**arguments, completion_only_loss=True), **common)
    use_cache = getattr(AutoConfig.from_pretrained(job.model), "use_cache", True)
    _check_disk(sum(weight.numel() for weight in trainer.model.parameters()), Path(job.checkpoint))
    trainer.train()

    tell({"phase": "writing the checkpoint"})
    model = trainer.accelerator.unwrap_model(trainer.model).to("cpu").float()
    if lora:
        model = model.merge_and_unload()
    if not all(bool(weight.isfinite().all()) for weight in model.parameters()):
        raise FlywheelError(
            "training broke in its last step: weights are not finite; lower the learning rate"
        )
    # The Trainer turned the cache off for itself; whoever loads the checkpoint to sample wants it.
    model.config.use_cache = use_cache
    folder = Path(job.checkpoint)
    model.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):
        # safetensors writes 0600, which a sampler in another container (another uid) cannot read.
        weights.chmod(0o644)
    copy_tokenizer(Path(job.model), folder)
    versions = {module.__name__: str(module.__version__) for module in (torch, transformers, trl)}
    card = model_card(job, len(plan.rows), len(plan.too_long), int(trainer.state.global_step), versions)
    (folder / "README.md").write_text(card, encoding="utf-8")

    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tell(
        {
            # macOS counts bytes, Linux KiB.
            "memory_mb": usage / (1 << 20 if sys.platform == "darwin" else 1 << 10),
            "gpu_mb": torch.cuda.max_memory_allocated() / (1 << 20) if on_gpu else 0.0,
        }
    )


def _check_disk(parameters: int, checkpoint: Path) -> None:
    needed = 4 * parameters + (64 << 20)
    stats = os.statvfs(checkpoint.parent)
    free = stats.f_bavail * stats.f_frsize
    if free < needed:
        raise FlywheelError(
            f"the disk is too full for the checkpoint: {needed >> 20} MiB needed, {free >> 20} MiB free "
            f"at {checkpoint.parent.parent}; free space, or move the workspace"
        )


def watch_lifeline(descriptor: int) -> None:
    """End this process and its group once the parent is gone: its end of the pipe closes, or we are adopted.

    A pipe, since a parent-death signal fires when the *thread* that started us ends; and the parent's id
    besides, since a process that the parent forked may hold the pipe open.
    """
    parent = os.getppid()

    def watch() -> None:
        while not select.select([descriptor], [], [], 1.0)[0] and os.getppid() == parent:
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def main(job_file: str, lifeline: int) -> int:
    """Run the job in `job_file`; 0 when its checkpoint is complete. A failure's cause is its last event.

    `lifeline` is the descriptor of a pipe whose other end the parent holds.
    """
    watch_lifeline(lifeline)
    job = Job(**json.loads(Path(job_file).read_text(encoding="utf-8")))
    with contextlib.suppress(OSError):
        # When memory runs out the kernel should end this process, not the flow that waits for it.
        Path("/proc/self/oom_score_adj").write_text("500")
    with open(job.events, "a", encoding="utf-8", buffering=1) as events:

        def tell(event: dict[str, Any]) -> None:
            events.write(json.dumps(event) + "\n")

        try:
            train(job, tell)
        except BaseException as error:
            traceback.print_exc()
            tell({"error": explain(error)})
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
