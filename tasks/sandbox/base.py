"""What a sandbox is: programs in, executions out. A backend is one class with this shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

from tasks.core.records import Execution, Program


class Sandbox(Protocol):
    """Where programs run. A context manager; `run` yields lazily, in the order of the programs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, programs: Iterable[Program]) -> Iterator[Execution]:
        """One execution a program, in their order; a bounded number of programs is taken ahead."""
        ...
