"""`multiprocessing` on semaphores that are pipes: beside the C library's, and in a container."""

from __future__ import annotations

import errno
import multiprocessing
import threading
from multiprocessing.synchronize import SEM_VALUE_MAX  # type: ignore[attr-defined]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox_image.semaphores import SemLock, sem_unlink
from tasks.core.records import Call, Program
from tasks.core.values import decode, encode
from tasks.sandbox.pool import DockerSandbox

PROGRAM = """
import multiprocessing, os, subprocess, sys
from concurrent.futures import ProcessPoolExecutor

def square(x):
    return x * x

def pool(xs):
    with multiprocessing.Pool(2) as workers:
        return workers.map(square, xs)

def executor(xs):
    with ProcessPoolExecutor(2) as workers:
        return list(workers.map(square, xs))

def add(queue, lock, total, n):
    for _ in range(n):
        with lock:
            total.value += 1
    queue.put(n)

def shared(n):
    queue, lock, total = multiprocessing.Queue(), multiprocessing.RLock(), multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=add, args=(queue, lock, total, n)) for _ in range(2)]
    for worker in workers:
        worker.start()
    got = sorted(queue.get() for _ in workers)
    for worker in workers:
        worker.join()
    return got, total.value

def started(_):
    return subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout

def left(_):
    return os.listdir("/dev/shm")
"""


@pytest.mark.docker
def test_processes_work_and_other_programs_are_refused(sandbox: DockerSandbox) -> None:
    calls = {"pool": [1, 2, 3], "executor": [4, 5], "shared": 50, "left": 0, "started": 0}
    program = Program(
        "p", PROGRAM, "", tuple(Call(name, encode([[value], {}])) for name, value in calls.items()), cpu_s=5
    )
    (execution,) = sandbox.run([program])
    outcomes = dict(zip(calls, execution.calls, strict=True))
    values = {name: decode(one.value) for name, one in outcomes.items() if one.kind == "value"}
    assert values == {"pool": [1, 4, 9], "executor": [16, 25], "shared": ([50, 50], 100), "left": []}
    assert outcomes["started"].exception == "PermissionError"


@given(
    st.sampled_from([0, 1]),
    st.integers(0, 2),
    st.lists(st.sampled_from(["acquire", "release", "value", "mine", "zero", "count"]), max_size=12),
)
def test_it_does_what_the_c_library_does(kind: int, value: int, steps: list[str]) -> None:
    theirs = multiprocessing.get_context("fork").Semaphore(0)._semlock.__class__  # type: ignore[attr-defined]
    maxvalue = max(1, value) if kind else 1
    start = min(value, 1) if not kind else value
    both = [
        theirs(kind, start, maxvalue, f"/flywheel-test-{threading.get_ident()}", True),
        SemLock(kind, start, maxvalue, "", True),
    ]

    def told(lock: object, step: str) -> object:
        try:
            if step == "acquire":
                return lock.acquire(False)  # type: ignore[attr-defined]
            if step == "release":
                return lock.release()  # type: ignore[attr-defined]
            name = {"value": "_get_value", "mine": "_is_mine", "zero": "_is_zero", "count": "_count"}[step]
            return getattr(lock, name)()
        except (ValueError, AssertionError) as error:
            return type(error), str(error)

    for step in steps:
        assert told(both[0], step) == told(both[1], step), step


def test_waiting_ends_with_a_release_or_with_its_time() -> None:
    lock = SemLock(1, 0, 1, "", True)
    assert not lock.acquire(True, 0.01)
    thread = threading.Timer(0.05, lock.release)
    thread.start()
    assert lock.acquire(True, 30)
    thread.join()
    with pytest.raises(OSError, match="no names") as caught:
        SemLock(1, 0, 1, "name", False)
    assert caught.value.errno == errno.EROFS
    assert SemLock.SEM_VALUE_MAX <= SEM_VALUE_MAX
    sem_unlink("nothing")
