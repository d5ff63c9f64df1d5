from __future__ import annotations

import ast
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import FlywheelError
from tasks.inference.base import Request
from tasks.inference.engines import close_shared_sampler, shared_sampler
from tasks.inference.replicas import check_devices, share_of
from tasks.settings.engine import EngineSettings

FAKE = str(Path(__file__).parents[1] / "support" / "fake_vllm")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("PYTHONPATH", FAKE)
    yield tmp_path
    close_shared_sampler()


def ask(text: str) -> Request:
    return Request(text, 1, 7, 16, 0.5, 40, ())


def test_batches_are_answered_side_by_side_and_as_one_engine_answers_them(folder: Path) -> None:
    batches = [[ask(f"SLOW {number}"), ask(f"{number}")] for number in range(4)]
    found = []
    for count in (1, 2):
        engine = shared_sampler(folder, "d", "float32", 40, EngineSettings(replicas=count), folder)
        with ThreadPoolExecutor(4) as pool:
            found.append(list(pool.map(engine.generate, batches)))
    assert found[0] == found[1]
    assert [[parts[0].text for parts in answers] for answers in found[0]] == [
        [f"SLOW {number}", f"{number}"] for number in range(4)
    ]


def test_each_replica_is_an_engine_of_its_own_and_all_end_together(folder: Path) -> None:
    engine = shared_sampler(folder, "d", "float32", 40, EngineSettings(replicas=2), folder)
    both = threading.Barrier(2)

    def tell(_: int) -> dict[str, Any]:
        both.wait()
        told, _slow = engine.generate([ask("tell"), ask("SLOW")])
        answer: dict[str, Any] = ast.literal_eval(told[0].text)
        return answer

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(tell, range(2))
    assert first["pid"] != second["pid"]
    if len(allowed := sorted(os.sched_getaffinity(0))) > 1:
        assert sorted([*first["cores"], *second["cores"]]) == allowed
    assert len(list(folder.glob("sampler-*.log"))) == 2
    with pytest.raises(FlywheelError, match="exit code 3"):
        engine.generate([ask("EXIT")])
    assert not engine.alive
    close_shared_sampler()
    for told in (first, second):
        assert not Path(f"/proc/{told['pid']}").exists()


def test_where_one_does_not_start_none_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM_START", "RAISE")
    with pytest.raises(FlywheelError, match=r"exit code 1.*(?s:.*)boom"):
        shared_sampler(folder, "d", "float32", 40, EngineSettings(replicas=2), folder)


def test_gpus_and_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = EngineSettings(replicas=3, tensor_parallel=2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    names = [share_of(place, pairs, on_cpu=False).environment["CUDA_VISIBLE_DEVICES"] for place in range(3)]
    assert names == ["0,1", "2,3", "4,5"]
    # A scheduler gives a job some of the machine's, by number or by name.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5f,4,7,1,0")
    names = [share_of(place, pairs, on_cpu=False).environment["CUDA_VISIBLE_DEVICES"] for place in range(3)]
    assert names == ["3,GPU-5f", "4,7", "1,0"]
    check_devices(pairs)
    with pytest.raises(FlywheelError, match=r"replicas 4 of engine.tensor_parallel 2 GPUs need 8, but 6 can"):
        check_devices(EngineSettings(replicas=4, tensor_parallel=2))
    allowed = sorted(os.sched_getaffinity(0))
    for count in (2, 3, len(allowed) + 1):
        several = EngineSettings(replicas=count)
        parts = [share_of(place, several, on_cpu=True).cores for place in range(count)]
        assert all(parts)
        assert {core for part in parts for core in part} == set(allowed)
    whole = share_of(0, EngineSettings(), on_cpu=False)
    assert (whole.cores, dict(whole.environment)) == ((), {})
