"""Every benchmark there is: those of this project, one line each, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from tasks.benchmarks import evalplus, humaneval, livecodebench, mbpp, outputs, starter
from tasks.benchmarks.base import Benchmark, Rule, Selection
from tasks.benchmarks.files import data_file, needed_file
from tasks.core.errors import FlywheelError
from tasks.core.plugins import installed
from tasks.core.records import Problem
from tasks.settings.sandbox import SandboxSettings

GROUP = "flywheel.benchmarks"
BUILT_IN = (
    starter.BENCHMARK,
    mbpp.BENCHMARK,
    evalplus.MBPP_PLUS,
    humaneval.BENCHMARK,
    evalplus.HUMANEVAL_PLUS,
    livecodebench.BENCHMARK,
    outputs.BENCHMARK,
)

# evalplus grants four times the canonical solution's time, and a second at least. Here a program runs on the
# calls of all its suites, in a container that has other work beside it.
GOLD_TIMES = 10


@cache
def benchmarks() -> Mapping[str, Benchmark]:
    """All benchmarks by name. Raises `FlywheelError` when a package's benchmark is none, or is called like
    another."""
    return {one.name: one for one in installed(GROUP, Benchmark, BUILT_IN)}


@cache
def rules() -> Mapping[str, Rule]:
    """The comparison rules that benchmarks bring: `Case.rule` names one, and it travels with the case."""
    return {name: rule for one in benchmarks().values() for name, rule in one.rules.items()}


def benchmark(name: str) -> Benchmark:
    """Raises `FlywheelError` when no benchmark is called that."""
    if name not in benchmarks():
        raise FlywheelError(f"no benchmark is called {name!r}: choose among {', '.join(benchmarks())}.")
    return benchmarks()[name]


def deciding() -> list[str]:
    """The names of those that have dev problems, which a gate may read."""
    return [one.name for one in benchmarks().values() if one.has_dev]


def limits_for(names: Iterable[str], settings: SandboxSettings) -> SandboxSettings:
    """The sandbox's settings with every limit at least what these benchmarks' gold solutions need."""
    limits = settings.model_dump()
    for one in (_of_source(name) for name in names):
        if one is not None:
            limits.update({limit: max(value, limits[limit]) for limit, value in one.limits.items()})
    return SandboxSettings(**limits)


def cpu_limit(name: str, settings: SandboxSettings, gold_s: float | None = None) -> float:
    """CPU seconds of a program for a problem whose gold solution takes `gold_s` on its gold suite: the
    settings' own, `GOLD_TIMES` gold's where that is more, but never more than the benchmark needs at most,
    which is also what a program gets where gold's time is not known."""
    most = limits_for([name], settings).cpu_s
    return most if gold_s is None else min(most, max(settings.cpu_s, GOLD_TIMES * gold_s))


def is_limited_by_call(name: str) -> bool:
    """Whether `cpu_limit` is the time of every call, not of all calls of a program together."""
    one = _of_source(name)
    return one is not None and one.limited_by_call


def at_hand() -> list[str]:
    """The benchmarks that load without a hub: shipped, in the data folder or with an installed package."""
    return [one.name for one in benchmarks().values() if one.is_packaged() or data_file(*one.files)]


def check_benchmark(name: str) -> None:
    """Raises `FlywheelError` when no benchmark is called that, or when one that no hub and no package brings
    lacks its file."""
    if benchmark(name).needs_file:
        needed_file(name, *benchmark(name).files)


def load_benchmark(name: str, selection: Selection | None = None) -> list[Problem]:
    """All dev and test problems of a benchmark; of a dated one, those that are selected.

    Raises `FlywheelError` when its data cannot be had.
    """
    return benchmark(name).load(selection or Selection())


def _of_source(source: str) -> Benchmark | None:
    """The benchmark that a problem's source names; None for self-play. LiveCodeBench without its private
    tests calls itself `livecodebench-public`."""
    return benchmarks().get(source) or benchmarks().get(source.removesuffix("-public"))
