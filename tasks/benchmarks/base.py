"""What a benchmark is: one module that says where its problems come from and what their programs may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.core.records import Case, Problem

Rule = Callable[[Any, Any, Case], bool]
"""Whether a value (first) passes for the expected one (second) on a case."""


@dataclass(frozen=True)
class Selection:
    """Which problems of a dated benchmark are meant: those of a release, of contests from `first` to `last`
    (ISO dates, both included). "" is no bound, and the release that is at hand."""

    first: str = ""
    last: str = ""
    release: str = ""


@dataclass(frozen=True)
class Benchmark:
    """Labelled problems under one name, registered in `tasks.benchmarks.registry` or by an entry point of the
    group `flywheel.benchmarks`.

    `load` gives all dev and test problems, each with `Problem.source` equal to `name`; it raises
    `FlywheelError` when its data cannot be had. Dev problems decide promotions, test problems are reported.
    """

    name: str
    load: Callable[[Selection], list[Problem]]
    files: tuple[str, ...] = ()
    """Names under which its file may lie in the data folder, the usual one first."""
    needs_file: bool = False
    """Neither a hub nor a package brings its data: without the file nothing is there."""
    is_packaged: Callable[[], bool] = lambda: False
    """Whether its data is installed with a package, so that no file is needed."""
    has_dev: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)
    """The least that its gold solutions need: fields of `SandboxSettings` by name."""
    limited_by_call: bool = False
    """Whether `limits["cpu_s"]` is granted to every call, not to all calls of a program together."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Comparison rules of its own by the name that `Case.rule` has."""
