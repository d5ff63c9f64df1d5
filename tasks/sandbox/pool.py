"""The execution engine: a pool of warm containers that run generated programs.

One container is one slot and runs one program at a time; a few requests wait in its pipe so that it
never idles. The pool is driven by one loop in the caller's thread; containers start and end in threads
beside it.

A fault of the sandbox (container lost, unreadable frame, silence, a wrong canary) is not the program's. A
program's outcomes are released only when every container that it met has been right about a round of
canaries before and after (`tasks.sandbox.worker`); until then they wait, inside the window. When a container
fails, all that it has not vouched for runs anew, from the start, on other containers, each program in a
batch of its own; one that meets a fault `fault_retries` times more is given up as "fault".

While no container can be started (the engine restarts, its disk is full) programs wait, up to `PATIENCE_S`;
from then on they are given up at once, until a start succeeds again.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tasks.core.errors import FlywheelError, SandboxFault
from tasks.core.records import Execution, Program
from tasks.sandbox.base import Backend
from tasks.sandbox.container import Container, reap
from tasks.sandbox.image import docker_client, ensure_image
from tasks.sandbox.program_run import ChildRequest
from tasks.sandbox.worker import BATCH, DEEP, Pending, Slot, Task
from tasks.settings.sandbox import SandboxSettings

WINDOW = 512
# The supervisor stretches `wall_s` up to tenfold on a busy machine.
WALL_STRETCH = 10
GRACE_S = 20.0
REAP_EVERY_S = 60.0
START_ATTEMPTS = 3
START_PAUSE_S = 1.0
PATIENCE_S = 60.0


class DockerSandbox:
    """`Sandbox` on a Docker Engine. `hash_seed` is the programs' PYTHONHASHSEED: a second pass varies it."""

    def __init__(self, settings: SandboxSettings, image: str, run_id: str, hash_seed: int = 0) -> None:
        self.settings, self.image, self.run_id, self.hash_seed = settings, image, run_id, hash_seed
        self._slots: list[Slot] = []
        self._starting: set[Future[Slot]] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._failed_starts = 0
        self._failing_since = 0.0
        self._start_after = 0.0
        self._why_no_start = ""
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
                if self._failed_starts >= START_ATTEMPTS:
                    raise SandboxFault(self._why_no_start)
                time.sleep(0.01)
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
        """See `Sandbox.run`. One run at a time."""
        if self._threads is None or self._running:
            raise RuntimeError("a sandbox runs inside its context, one run at a time")
        self._running = True
        # Whatever went wrong before, each run asks for containers once at least.
        self._start_after = 0.0
        try:
            yield from self._run(iter(programs))
        finally:
            self._running = False
            for slot in [slot for slot in self._slots if slot.queue]:
                self._dismiss(slot)

    def _run(self, programs: Iterator[Program]) -> Iterator[Execution]:
        """At most `WINDOW` programs are under way, or as many as two batches a slot need."""
        slots = self.settings.slots
        window: deque[Task] = deque()
        waiting: deque[tuple[Task, ChildRequest]] = deque()
        exhausted = False
        while True:
            room = max(WINDOW, 2 * BATCH * slots) - len(window)
            while not exhausted and room > 0 and len(waiting) < DEEP * slots:
                program = next(programs, None)
                if program is None:
                    exhausted = True
                    break
                task = Task(program)
                window.append(task)
                room -= 1
                self._ask(task, waiting, first=False)
            self._hand_out(waiting)
            while window and window[0].released:
                yield window.popleft().program_run.execution()
            if not window and exhausted:
                return
            self._keep_house()
            if self._is_broken():
                for task, _ in waiting:
                    task.give_up(self._why_no_start)
                waiting.clear()
                continue
            for slot in self._ready_slots():
                self._serve(slot, waiting)

    def _ask(self, task: Task, waiting: deque[tuple[Task, ChildRequest]], first: bool = True) -> None:
        request = task.program_run.next_request()
        if request is None:
            task.finished = True
        elif first:
            waiting.appendleft((task, request))
        else:
            waiting.append((task, request))

    def _hand_out(self, waiting: deque[tuple[Task, ChildRequest]]) -> None:
        """Refills the slots that have half emptied, evenly; one that runs out of work closes its batch."""
        hungry = [
            slot for slot in self._slots if len(slot.queue) <= slot.depth // 2 and not self._is_spent(slot)
        ]
        while waiting and hungry:
            slot = min(hungry, key=lambda slot: len(slot.queue))
            if len(slot.queue) >= slot.depth or self._is_spent(slot):
                hungry.remove(slot)
            else:
                slot.give(*waiting.popleft())
        for slot in self._slots:
            if slot.unbracketed and not slot.queue and (not waiting or self._is_spent(slot)):
                slot.check()

    def _is_spent(self, slot: Slot) -> bool:
        return slot.given >= self.settings.recycle_after

    def _ready_slots(self) -> list[Slot]:
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

    def _serve(self, slot: Slot, waiting: deque[tuple[Task, ChildRequest]]) -> None:
        moved: list[Pending] = []
        try:
            slot.container.flush()
            slot.collect(moved)
            if slot.queue and time.monotonic() - slot.since > _patience_s(self.settings):
                raise SandboxFault("The sandbox did not answer in time.")
        except SandboxFault as fault:
            self._recover(slot, str(fault), waiting)
        for asked in moved:
            if task := asked.current_task:
                self._ask(task, waiting)

    def _recover(self, slot: Slot, why: str, waiting: deque[tuple[Task, ChildRequest]]) -> None:
        """What the slot has not vouched for, and what was running, has one fault more and starts anew.

        Requests behind the running one never began. A fault that several share is nobody's in particular:
        only the running program, or one that was a batch of its own, can be given up for it.
        """
        queued = [asked for asked in slot.queue if asked.current_task is not None]
        running = slot.queue[0].current_task if slot.queue else None
        unproven = [task for task in dict.fromkeys(slot.unproven) if slot in task.unproven]
        suspects = dict.fromkeys([*unproven, *([running] if running else [])])
        slot.queue.clear()
        self._dismiss(slot)
        for task in suspects:
            task.faults += 1
            alone = task is running or len(suspects) == 1
            if alone and task.faults > self.settings.fault_retries:
                task.give_up(why)
            else:
                task.restart()
        for asked in reversed(queued):
            if asked.task is not None and asked.task not in suspects:
                waiting.appendleft((asked.task, asked.request))
        for task in reversed(suspects):
            if not task.finished:
                self._ask(task, waiting)

    def _is_broken(self) -> bool:
        """Whether there is no container, nor one on its way, and was none for longer than programs wait."""
        failing_s = time.monotonic() - self._failing_since
        return not self._slots and not self._starting and self._failed_starts > 0 and failing_s > PATIENCE_S

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
        if time.monotonic() < self._start_after:
            return
        nearly = self.settings.recycle_after * 0.8
        lasting = sum(slot.given < nearly for slot in self._slots)
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
                self._slots.append(future.result())
                self._failed_starts = 0
            except FlywheelError as error:
                if not self._running and not isinstance(error, SandboxFault):
                    raise
                now = time.monotonic()
                self._failing_since = self._failing_since if self._failed_starts else now
                self._failed_starts += 1
                self._start_after = now + START_PAUSE_S
                self._why_no_start = str(error)

    def _dismiss(self, slot: Slot) -> None:
        assert self._threads is not None
        self._slots.remove(slot)
        self._threads.submit(slot.container.close)


def _patience_s(settings: SandboxSettings) -> float:
    return WALL_STRETCH * settings.wall_s + GRACE_S


def _start(settings: SandboxSettings, image: str, run_id: str, hash_seed: int) -> Slot:
    """A container that has been right about its first round of canaries."""
    slot = Slot(Container(settings, image, run_id, hash_seed))
    try:
        slot.check()
        while slot.queue:
            slot.container.flush()
            slot.collect([])
            if time.monotonic() - slot.since > _patience_s(settings):
                raise SandboxFault("The sandbox did not answer its canaries in time.")
            select.select([slot.container], [], [], 1.0 if slot.queue else 0.0)
    except BaseException:
        slot.container.close()
        raise
    return slot


def _close_started(future: Future[Slot]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().container.close()


BACKEND = Backend(
    "docker",
    check=lambda: docker_client().close(),
    prepare=lambda settings, log_progress: ensure_image(log_progress, settings.numpy),
    open=DockerSandbox,
)
