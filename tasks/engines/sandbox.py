"""The execution engine: a pool of warm containers that run generated programs.

One container is one slot and runs one program at a time; a few requests wait in its pipe so that it
never idles. The pool is driven by one loop in the caller's thread; containers start and end in threads
beside it. A fault of the sandbox (container lost, unreadable frame, silence) is not the program's: the
request that was running is tried again on a fresh container, and given up as "fault" after that.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from tasks.engines.containers import Container, reap
from tasks.engines.episodes import Episodes, Request
from tasks.errors import SandboxFault
from tasks.records import Call, Execution, Outcome, Program
from tasks.settings import SandboxSettings

IN_FLIGHT = 4
WINDOW = 512
# The supervisor stretches `wall_s` up to tenfold on a busy machine.
WALL_STRETCH = 10
GRACE_S = 20.0
REAP_EVERY_S = 60.0
START_ATTEMPTS = 3


class Sandbox(Protocol):
    """Where programs run. A context manager; `run` yields lazily, in the order of the programs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, programs: Iterable[Program]) -> Iterator[Execution]:
        """One execution a program, in their order; at most `WINDOW` programs are taken ahead."""
        ...


class _Slot:
    """A ready container and the requests that it holds, the running one first."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.queue: deque[tuple[int, Episodes, Request]] = deque()
        self.since = time.monotonic()

    def give(self, episodes: Episodes, request: Request) -> None:
        if not self.queue:
            self.since = time.monotonic()
        number = self.container.send(request.kind, request.payloads)
        self.queue.append((number, episodes, request))

    def collect(self) -> list[Episodes]:
        """Settles the answers that have come; the programs they belong to."""
        settled = []
        for status, data in self.container.receive():
            if not self.queue or self.queue[0][0] != status["id"]:
                raise SandboxFault("The sandbox answered a question that nobody asked.")
            _, episodes, request = self.queue.popleft()
            self.since = time.monotonic()
            episodes.settle(request, status, data)
            settled.append(episodes)
        return settled


class DockerSandbox:
    """`Sandbox` on a Docker Engine. `hash_seed` is the programs' PYTHONHASHSEED: a second pass varies it."""

    def __init__(self, settings: SandboxSettings, image: str, run_id: str, hash_seed: int = 0) -> None:
        self.settings, self.image, self.run_id, self.hash_seed = settings, image, run_id, hash_seed
        self._slots: list[_Slot] = []
        self._starting: set[Future[Container]] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._failed_starts = 0
        self._reaped = 0.0
        self._running = False

    def __enter__(self) -> Self:
        """Starts the slots. Raises `FlywheelError` when Docker or the image is missing."""
        reap()
        self._reaped = time.monotonic()
        self._threads = ThreadPoolExecutor(self.settings.slots + 2, thread_name_prefix="sandbox")
        try:
            while not self._slots:
                self._order_containers()
                self._admit(wait=True)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._threads is None:
            return
        while self._slots:
            self._dismiss(self._slots[-1])
        for future in self._starting:
            future.add_done_callback(_close_started)
        self._starting.clear()
        self._threads.shutdown(wait=True)
        self._threads = None

    def run(self, programs: Iterable[Program]) -> Iterator[Execution]:
        """See `Sandbox.run`. One run at a time. Raises `SandboxFault` when no container can be had."""
        if self._threads is None or self._running:
            raise RuntimeError("a sandbox runs inside its context, one run at a time")
        self._running = True
        try:
            yield from self._run(iter(programs))
        finally:
            self._running = False
            for slot in [slot for slot in self._slots if slot.queue]:
                self._dismiss(slot)

    def _run(self, programs: Iterator[Program]) -> Iterator[Execution]:
        window: deque[Episodes] = deque()
        waiting: deque[tuple[Episodes, Request]] = deque()
        done: set[int] = set()
        exhausted = False
        while True:
            while not exhausted and len(window) < WINDOW and len(waiting) < IN_FLIGHT * self.settings.slots:
                program = next(programs, None)
                if program is None:
                    exhausted = True
                    break
                episodes = Episodes(program)
                window.append(episodes)
                self._ask(episodes, waiting, done, first=False)
            self._hand_out(waiting)
            while window and id(window[0]) in done:
                finished = window.popleft()
                done.discard(id(finished))
                yield finished.execution()
            if not window and exhausted:
                return
            self._keep_house()
            for slot in self._ready_slots():
                self._serve(slot, waiting, done)

    def _ask(
        self, episodes: Episodes, waiting: deque[tuple[Episodes, Request]], done: set[int], first: bool = True
    ) -> None:
        request = episodes.next_request()
        if request is None:
            done.add(id(episodes))
        elif first:
            waiting.appendleft((episodes, request))
        else:
            waiting.append((episodes, request))

    def _hand_out(self, waiting: deque[tuple[Episodes, Request]]) -> None:
        while waiting:
            free = [slot for slot in self._slots if len(slot.queue) < IN_FLIGHT and not self._is_spent(slot)]
            if not free:
                return
            min(free, key=lambda slot: len(slot.queue)).give(*waiting.popleft())

    def _is_spent(self, slot: _Slot) -> bool:
        return slot.container.sent >= self.settings.recycle_after

    def _ready_slots(self) -> list[_Slot]:
        """Slots with something to read or to write, or that have been silent for too long."""
        poller = select.poll()
        by_fd = {slot.container.fileno(): slot for slot in self._slots}
        for fd, slot in by_fd.items():
            poller.register(fd, select.POLLIN | (select.POLLOUT if slot.container.wants_to_write else 0))
        ready = [by_fd[fd] for fd, _ in poller.poll(20 if self._starting else 200)]
        late = time.monotonic() - _patience_s(self.settings)
        return ready + [
            slot for slot in self._slots if slot not in ready and slot.queue and slot.since < late
        ]

    def _serve(self, slot: _Slot, waiting: deque[tuple[Episodes, Request]], done: set[int]) -> None:
        try:
            slot.container.flush()
            settled = slot.collect()
            if not settled and slot.queue and time.monotonic() - slot.since > _patience_s(self.settings):
                raise SandboxFault("The sandbox did not answer in time.")
        except SandboxFault as fault:
            self._recover(slot, str(fault), waiting, done)
            return
        for episodes in settled:
            self._ask(episodes, waiting, done)

    def _recover(
        self, slot: _Slot, why: str, waiting: deque[tuple[Episodes, Request]], done: set[int]
    ) -> None:
        """The request that was running has one fault more; those behind it never began."""
        lost = [(episodes, request) for _, episodes, request in slot.queue]
        slot.queue.clear()
        self._dismiss(slot)
        if lost:
            lost[0][0].faults += 1
            if lost[0][0].faults > self.settings.fault_retries:
                lost[0][0].fault(why)
                done.add(id(lost.pop(0)[0]))
        waiting.extendleft(reversed(lost))

    def _keep_house(self) -> None:
        assert self._threads is not None
        for slot in [slot for slot in self._slots if self._is_spent(slot) and not slot.queue]:
            self._dismiss(slot)
        self._admit(wait=not self._slots)
        self._order_containers()
        if time.monotonic() - self._reaped > REAP_EVERY_S:
            self._reaped = time.monotonic()
            self._threads.submit(reap)

    def _order_containers(self) -> None:
        """Starts what is missing, and the successor of a container that is nearly spent."""
        assert self._threads is not None
        nearly = self.settings.recycle_after * 0.8
        lasting = sum(slot.container.sent < nearly for slot in self._slots)
        while lasting + len(self._starting) < self.settings.slots:
            self._starting.add(
                self._threads.submit(_start, self.settings, self.image, self.run_id, self.hash_seed)
            )

    def _admit(self, wait: bool) -> None:
        """Takes the containers that are ready. `wait`: for at least one to be, or to fail."""
        while wait and self._starting and not any(future.done() for future in self._starting):
            time.sleep(0.005)
        for future in [future for future in self._starting if future.done()]:
            self._starting.discard(future)
            try:
                self._slots.append(_Slot(future.result()))
                self._failed_starts = 0
            except SandboxFault:
                self._failed_starts += 1
                if self._failed_starts >= START_ATTEMPTS:
                    raise

    def _dismiss(self, slot: _Slot) -> None:
        assert self._threads is not None
        self._slots.remove(slot)
        self._threads.submit(slot.container.close)


_CANARY_CALLS = (Call("f", '[[1],{"d":[]}]'),)
_CHEAT = """
class Two(int):
    def __eq__(self, other):
        return True

def f(x):
    return Two(x)
"""
CANARIES = (
    (Program("right", "def f(x):\n    return x + 1\n", "f", _CANARY_CALLS), "2"),
    (Program("wrong", "def f(x):\n    return x - 1\n", "f", _CANARY_CALLS), "0"),
    (Program("cheating", _CHEAT, "f", _CANARY_CALLS), '{"o":"Two"}'),
)


def _patience_s(settings: SandboxSettings) -> float:
    return WALL_STRETCH * settings.wall_s + GRACE_S


def _start(settings: SandboxSettings, image: str, run_id: str, hash_seed: int) -> Container:
    """A container that has shown what it makes of a right, a wrong and a cheating program."""
    container = Container(settings, image, run_id, hash_seed)
    try:
        for program, expected in CANARIES:
            outcome = _run_one(container, program)
            if outcome.kind != "value" or outcome.value != expected:
                seen = outcome.value or outcome.exception or outcome.detail
                raise SandboxFault(
                    f"The sandbox misjudges the {program.program_id} canary: {outcome.kind} {seen!r} instead "
                    f"of {expected!r}. Rebuild the image, or raise sandbox.memory_mb and sandbox.cpu_s."
                )
    except BaseException:
        container.close()
        raise
    container.sent = container.served = 0
    return container


def _run_one(container: Container, program: Program) -> Outcome:
    episodes = Episodes(program)
    request = episodes.next_request()
    assert request is not None
    slot = _Slot(container)
    slot.give(episodes, request)
    while not slot.collect():
        container.flush()
        if time.monotonic() - slot.since > _patience_s(container.settings):
            raise SandboxFault("The sandbox did not answer its canary in time.")
        select.select([container], [], [], 1.0)
    return episodes.execution().calls[0]


def _close_started(future: Future[Container]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()
