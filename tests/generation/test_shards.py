from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tasks.core import progress
from tasks.core.errors import FlywheelError
from tasks.core.rows import Dropped
from tasks.generation.shards import Shard, computed_shards, in_batches
from tasks.inference.base import Completion, Request
from tasks.inference.replay import ReplaySampler
from tasks.pipeline.workspace import Workspace


def row(number: int) -> Dropped:
    return Dropped("sample", "case", f"{number}", "p", "reason", "")


def computing(number: int, asked: list[int], fail_at: int = -1) -> Callable[[], list[Dropped]]:
    def compute() -> list[Dropped]:
        asked.append(number)
        # The first takes longest.
        time.sleep(0.2 / (1 + number))
        if number == fail_at:
            raise FlywheelError("the engine failed")
        return [row(number), row(number)]

    return compute


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_rows_come_in_order_and_finished_shards_stay(tmp_path: Path, at_once: int) -> None:
    workspace = Workspace(tmp_path / "w")
    asked: list[int] = []

    def sampled(fail_at: int = -1) -> list[Dropped]:
        shards = [Shard(f"{n}", 2, computing(n, asked, fail_at)) for n in range(4)]
        with workspace.stage(1, "sample", "key", {}, {}) as stage:
            return computed_shards(stage, Dropped, shards, at_once)

    with pytest.raises(FlywheelError):
        sampled(fail_at=2)
    finished = {path.stem for path in (workspace.iteration_folder(1) / "sample-key" / "shards").iterdir()}
    assert {"0", "1"} <= finished
    before = set(map(str, asked)) - {"2"}
    assert finished == before
    asked.clear()
    assert [one.record_id for one in sampled()] == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert set(map(str, asked)) == {"0", "1", "2", "3"} - finished


@pytest.mark.parametrize("at_once", [1, 3])
def test_many_requests_are_batches_whose_answers_come_in_order(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.generation.shards.BATCH", 4)
    sizes: list[int] = []

    class Sampler(ReplaySampler):
        def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
            sizes.append(len(requests))
            # The later the sooner.
            time.sleep(0.05 / len(sizes))
            return super().generate(requests)

    sampler = Sampler(lambda request: [request.prompt])
    requests = [Request(f"{number}", 1, number, 4, 1.0, 0, ()) for number in range(10)]
    assert [one[0].text for one in in_batches(sampler, requests, at_once)] == [
        f"{number}" for number in range(10)
    ]
    assert sorted(sizes) == [2, 4, 4]


def test_progress_adds_up_over_what_threads_work_on() -> None:
    told = progress.Progress("sample", print)
    told.count(100, "problems")
    half, leave = threading.Barrier(3), threading.Event()

    def work(units: int) -> None:
        with told.span(units):
            told.part(0.5)
            half.wait()
            leave.wait()

    threads = [threading.Thread(target=work, args=(units,)) for units in (20, 40)]
    for thread in threads:
        thread.start()
    half.wait()
    assert told.done == 30
    leave.set()
    for thread in threads:
        thread.join()
    assert told.done == 60
    told.part(0.5)
    assert told.done == 60
