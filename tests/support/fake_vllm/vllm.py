"""Stands in for vLLM on PYTHONPATH: the child process, its pipes and its deaths without an engine.

Words in a prompt decide what happens: RAISE, EXIT, KILL, HANG; FAKE_VLLM_START does the same at the start.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any


def _act(word: str) -> None:
    print(f"fake engine: {word}", flush=True)
    if word == "RAISE":
        raise RuntimeError("boom")
    if word == "MEMORY":
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    if word == "NODE":
        raise ValueError(
            "Available memory on node 0 (1.2/15.61 GiB) on kv cache allocation is less than requested memory "
            "for kv (2.0 GiB). Decrease --kv-cache-memory-bytes, VLLM_CPU_KVCACHE_SPACE, or reduce CPU "
            "memory used by other processes."
        )
    if word == "EXIT":
        os._exit(3)
    if word == "KILL":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "HANG":
        time.sleep(3600)


class SamplingParams:
    def __init__(self, **options: Any) -> None:
        self.options = options


class EngineArgs:
    def __init__(self, **options: Any) -> None:
        pass

    def create_model_config(self) -> Any:
        return SimpleNamespace(max_model_len=50)


class LLM:
    def __init__(self, model: str, **options: Any) -> None:
        _act(os.environ.get("FAKE_VLLM_START", ""))
        self.model_config = SimpleNamespace(max_model_len=options.get("max_model_len", 50))
        self.resets = 0
        # A worker of its own, as tensor parallelism has: it must not outlive the engine.
        self.worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])

    def reset_prefix_cache(self) -> bool:
        self.resets += 1
        return True

    def get_tokenizer(self) -> Any:
        return lambda text: {"input_ids": [ord(letter) for letter in text]}

    def generate(self, prompts: list[Any], params: list[SamplingParams], use_tqdm: Any) -> list[Any]:
        outputs = []
        for _ in use_tqdm(prompts, desc="Adding requests"):
            pass
        bar = use_tqdm(total=len(prompts), desc="Processed prompts")
        for prompt, asked in zip(prompts, params, strict=True):
            text = "".join(map(chr, prompt["prompt_token_ids"]))
            for word in ("RAISE", "EXIT", "KILL", "HANG"):
                if word in text:
                    _act(word)
            if "SLOW" in text:
                time.sleep(1.1)
            bar.update(1)
            told = {
                "pid": os.getpid(),
                "worker": self.worker.pid,
                "resets": self.resets,
                "asked": asked.options,
                "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
                "cores": sorted(os.sched_getaffinity(0)),
            }
            parts = [
                SimpleNamespace(
                    index=index,
                    text=repr(told) if text == "tell" else text,
                    finish_reason="stop",
                    token_ids=[1],
                )
                for index in reversed(range(asked.options["n"]))
            ]
            outputs.append(SimpleNamespace(outputs=parts))
        return outputs
