"""The shards of a stage that samples, several at once where the engine answers several batches at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from tasks.core.progress import current
from tasks.inference.base import Completion, Request, Sampler
from tasks.inference.engines import close_shared_sampler
from tasks.pipeline.stage import log_progress
from tasks.pipeline.workspace import Stage

Record = TypeVar("Record")
BATCH = 1024
"""Requests that are one batch where more are asked for at once; another number gives other last bits."""


@dataclass(frozen=True, slots=True)
class Shard(Generic[Record]):
    """A part of a stage's work: its name among them, how many units of progress it is, what computes it."""

    name: str
    units: int
    compute: Callable[[], Sequence[Record]]


def computed_shards(
    stage: Stage, record: type[Record], shards: Sequence[Shard[Record]], at_once: int
) -> list[Record]:
    """The rows of all shards, in order; each finished one is kept, also when another one fails.

    Raises the first error of a shard, once those that were begun have ended.
    """
    progress = current()

    def one(shard: Shard[Record]) -> list[Record]:
        with progress.span(shard.units):
            return stage.shard(shard.name, record, shard.compute)

    def tell() -> None:
        log_progress(f"{progress.name}: {progress.line()}")

    if at_once == 1 or len(shards) < 2:
        rows = []
        for shard in shards:
            rows += one(shard)
            tell()
        return rows
    futures: list[Future[list[Record]]] = []
    with ThreadPoolExecutor(min(at_once, len(shards))) as pool:
        try:
            futures += [pool.submit(copy_context().run, one, shard) for shard in shards]
            for done in as_completed(futures):
                if done.exception() is not None:
                    break
                tell()
        except BaseException:
            # The run is to end now: what waits for the engine would wait on.
            close_shared_sampler()
            raise
        finally:
            for future in futures:
                future.cancel()
    failed = [one.exception() for one in futures if not one.cancelled() and one.exception()]
    if failed and failed[0] is not None:
        raise failed[0]
    return [row for future in futures for row in future.result()]


def in_batches(sampler: Sampler, requests: Sequence[Request], at_once: int) -> list[list[Completion]]:
    """The completions of each request, in order, from batches of `BATCH` requests, `at_once` side by side."""
    batches = [requests[start : start + BATCH] for start in range(0, len(requests), BATCH)]
    if len(batches) < 2:
        return sampler.generate(requests)
    progress, found = current(), []
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for answers in pool.map(sampler.generate, batches):
                found += answers
                progress.part(len(found) / len(requests))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            close_shared_sampler()
            raise
    return found
