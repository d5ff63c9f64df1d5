"""A container at work: what it was asked, what it answered, and which answers it has not vouched for.

Every batch of answers is bracketed by canaries: a right, a wrong and a cheating program whose outcomes are
known, with arguments drawn anew. A container meets them when it starts, after every `BATCH` requests and
whenever it runs out of work; what it answered in between is unproven until the next round is right.
"""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass

from tasks.core.errors import SandboxFault
from tasks.core.records import Call, Program
from tasks.sandbox.container import Container
from tasks.sandbox.program_run import ChildRequest, ProgramRun

BATCH = 128
# Requests that wait in a container's pipe: many small ones, so that they travel together; few slow ones.
DEEP, SHALLOW = 16, 4
QUICK_S = 0.02
_CHEAT = """
class Two(int):
    def __eq__(self, other):
        return True

def f(x):
    return Two(x)
"""


def canaries() -> list[tuple[Program, str]]:
    """One round: programs, and the encoded value that each must come to."""
    x = random.randrange(10**6)
    calls = (Call("f", f'[[{x}],{{"d":[]}}]'),)
    return [
        (Program("right", "def f(x):\n    return x + 1\n", "f", calls), str(x + 1)),
        (Program("wrong", "def f(x):\n    return x - 1\n", "f", calls), str(x - 1)),
        (Program("cheating", _CHEAT, "f", calls), '{"o":"Two"}'),
    ]


class Task:
    """A program on its way through the pool. Released: finished, and no answer of it is unproven."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.program_run = ProgramRun(program)
        self.faults = 0
        self.finished = False
        self.unproven: set[Slot] = set()

    @property
    def released(self) -> bool:
        return self.finished and not self.unproven

    def restart(self) -> None:
        """Forgets every answer: some came from a container that is not to be trusted."""
        self.program_run = ProgramRun(self.program)
        self.finished = False
        self.unproven.clear()

    def give_up(self, why: str) -> None:
        self.program_run.fault(why)
        self.finished = True
        self.unproven.clear()


@dataclass(frozen=True, slots=True)
class Pending:
    """A request in a container's pipe: a task's, or a canary that must come to `expected`."""

    number: int
    program_run: ProgramRun
    request: ChildRequest
    task: Task | None
    expected: str = ""

    @property
    def current_task(self) -> Task | None:
        """The task, unless it has been restarted since."""
        return self.task if self.task is not None and self.task.program_run is self.program_run else None


class Slot:
    """A ready container, the requests that it holds, the running one first, and its unproven tasks."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.queue: deque[Pending] = deque()
        self.since = time.monotonic()
        self.given = 0
        self.unbracketed = 0
        self.unproven: list[Task] = []
        self.pace_s = QUICK_S

    @property
    def depth(self) -> int:
        return DEEP if self.pace_s < QUICK_S else SHALLOW

    def give(self, task: Task, request: ChildRequest) -> None:
        """A task that has had a fault is a batch of its own: if the sandbox fails again, it is known why."""
        alone = task.faults > 0
        if alone and self.unbracketed:
            self.check()
        self._ask(task.program_run, request, task)
        self.given += 1
        self.unbracketed += 1
        if alone or self.unbracketed >= BATCH:
            self.check()

    def check(self) -> None:
        """Asks for a round of canaries: it ends the batch."""
        for program, expected in canaries():
            program_run = ProgramRun(program)
            request = program_run.next_request()
            assert request is not None
            self._ask(program_run, request, None, expected)
        self.unbracketed = 0

    def _ask(
        self, program_run: ProgramRun, request: ChildRequest, task: Task | None, expected: str = ""
    ) -> None:
        if not self.queue:
            self.since = time.monotonic()
        number = self.container.send(request.kind, request.payloads, request.cpu_s, request.cpu_share)
        self.queue.append(Pending(number, program_run, request, task, expected))

    def collect(self, moved: list[Pending]) -> None:
        """Settles the answers that have come; adds to `moved` what tasks were asked by them.

        Raises `SandboxFault` for a wrong canary or a stream that cannot be followed; `moved` holds then too.
        """
        answers = self.container.receive()
        if answers:
            now = time.monotonic()
            self.pace_s += ((now - self.since) / len(answers) - self.pace_s) / 4
            self.since = now
        for status, data in answers:
            if not self.queue or self.queue[0].number != status["id"]:
                raise SandboxFault("The sandbox answered a question that nobody asked.")
            asked = self.queue[0]
            asked.program_run.apply_answer(
                asked.request, status, data, self.container.settings.output_kb * 1024
            )
            if asked.task is None:
                self._meet_canary(asked)
            elif task := asked.current_task:
                self.unproven.append(task)
                task.unproven.add(self)
                moved.append(asked)
            self.queue.popleft()

    def _meet_canary(self, asked: Pending) -> None:
        """A round's last canary proves what was answered before it."""
        canary = asked.program_run.program.program_id
        outcome = asked.program_run.execution().calls[0]
        if outcome.kind != "value" or outcome.value != asked.expected:
            seen = outcome.value or outcome.exception or outcome.detail
            raise SandboxFault(
                f"The sandbox misjudges the {canary} canary: {outcome.kind} {seen!r} instead of "
                f"{asked.expected!r}. Rebuild the image, or raise sandbox.memory_mb and sandbox.cpu_s."
            )
        if canary == "cheating":
            for task in self.unproven:
                task.unproven.discard(self)
            self.unproven.clear()
