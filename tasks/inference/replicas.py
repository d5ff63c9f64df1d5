"""Engines of the same weights side by side: each has a part of the machine, and any may answer a batch.

A batch is answered by one replica alone, from an empty cache, as the only engine of a machine would answer
it. So which replica that is, and how many there are, changes no completion.
"""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.errors import FlywheelError
from tasks.inference.base import Completion, Request, Sampler
from tasks.settings.engine import EngineSettings

_DEVICES = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Share:
    """A replica's part of the machine: its cores (none: all of them), and what its environment says of its
    GPUs. `suffix` tells its log from those of others."""

    cores: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


WHOLE = Share()


def share_of(index: int, settings: EngineSettings, on_cpu: bool) -> Share:
    """The part of replica `index`: every `engine.replicas`-th part of the cores that this process may use, or
    the next `engine.tensor_parallel` of the GPUs that it sees. One replica has all."""
    count, suffix = settings.replicas, f"-{index}"
    if count == 1:
        return WHOLE
    if on_cpu:
        cores = sorted(os.sched_getaffinity(0))
        first, end = (len(cores) * part // count for part in (index, index + 1))
        # With fewer cores than replicas some share one.
        return Share(tuple(cores[first:end] or [cores[index % len(cores)]]), suffix=suffix)
    start = index * settings.tensor_parallel
    wanted = range(start, start + settings.tensor_parallel)
    seen = _seen_devices()
    return Share((), {_DEVICES: ",".join(seen[one] if seen else str(one) for one in wanted)}, suffix)


def check_devices(settings: EngineSettings) -> None:
    """Raises `FlywheelError` where this machine is known to have fewer GPUs than the replicas need."""
    seen = _seen_devices()
    there = len(seen) if seen else len(list(_DRIVER.iterdir())) if _DRIVER.is_dir() else None
    needed = settings.replicas * settings.tensor_parallel
    if settings.replicas > 1 and there is not None and there < needed:
        raise FlywheelError(
            f"engine.replicas {settings.replicas} of engine.tensor_parallel {settings.tensor_parallel} GPUs "
            f"need {needed}, but {there} can be seen: lower either"
            f"{f', or change {_DEVICES}' if seen else ''}."
        )


def _seen_devices() -> list[str]:
    return [name.strip() for name in os.environ.get(_DEVICES, "").split(",") if name.strip()]


class Replicas:
    """A sampler of several, started at once by `start(index)`; a call of `generate` takes one that is free.

    Raises what starting one raises, with none left behind.
    """

    def __init__(self, start: Callable[[int], Sampler], count: int) -> None:
        self._free: queue.Queue[Sampler] = queue.Queue()
        starting: list[Future[Sampler]] = []
        try:
            with ThreadPoolExecutor(count) as pool:
                starting += [pool.submit(copy_context().run, start, index) for index in range(count)]
        finally:
            self._all = [one.result() for one in starting if one.exception() is None]
            if len(self._all) < count or sys.exc_info()[0]:
                self.close()
        for one in starting:
            self._free.put(one.result())

    @property
    def alive(self) -> bool:
        return all(one.alive for one in self._all)

    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        replica = self._free.get()
        try:
            return replica.generate(requests)
        finally:
            self._free.put(replica)

    def close(self) -> None:
        for one in self._all:
            one.close()
