"""What a sandbox is: programs in, executions out. A backend is one class with this shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from tasks.core.records import Execution, Program
from tasks.settings.sandbox import SandboxSettings


class Sandbox(Protocol):
    """Where programs run. A context manager; `run` yields lazily, in the order of the programs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, programs: Iterable[Program]) -> Iterator[Execution]:
        """One execution a program, in their order; a bounded number of programs is taken ahead."""
        ...


@dataclass(frozen=True)
class Backend:
    """Sandboxes of one kind, under the name that `sandbox.backend` has, listed in `tasks.sandbox.backends` or
    registered by an entry point of the group `flywheel.sandbox_backends`.

    `check` raises `FlywheelError` when the backend cannot be reached. `prepare` builds what programs run in,
    where it is missing, tells of it line by line, and returns its identity, which is part of what outcomes
    are cached by. `open` gives a sandbox of that identity: of the settings' limits, for the run that is named
    (what a killed run leaves is found by that name), whose programs have this PYTHONHASHSEED.
    """

    name: str
    check: Callable[[], None]
    prepare: Callable[[SandboxSettings, Callable[[str], None]], str]
    open: Callable[[SandboxSettings, str, str, int], Sandbox]
