"""Labelled problems: each benchmark owns its decoder and its comparison rule.

starter        written for this project, shipped with it
mbpp           MBPP sanitized: dev and test, and train for self-play
mbpp-plus      MBPP+: 378 tasks of MBPP with many more inputs; test
humaneval      HumanEval; test
humaneval-plus HumanEval+: the same tasks with many more inputs; test
livecodebench  dated contest problems, functions and stdin programs; test
livecodebench-output  what a function returns for an input, without its code; test
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tasks.benchmarks import humaneval, livecodebench, outputs
from tasks.benchmarks.evalplus import (
    HUMANEVAL_PLUS_FILES,
    MBPP_PLUS_FILES,
    load_humaneval_plus,
    load_mbpp_plus,
)
from tasks.benchmarks.files import data_file, needed_file
from tasks.benchmarks.humaneval import load_humaneval
from tasks.benchmarks.livecodebench import load_livecodebench
from tasks.benchmarks.mbpp import MBPP_FILE, load_mbpp
from tasks.benchmarks.outputs import load_outputs
from tasks.benchmarks.starter import load_starter
from tasks.core.errors import FlywheelError
from tasks.core.records import Problem
from tasks.settings.sandbox import SandboxSettings

__all__ = [
    "DECIDING",
    "FILES",
    "at_hand",
    "check_benchmark",
    "cpu_limit",
    "is_limited_by_call",
    "limits_for",
    "load_benchmark",
    "load_humaneval",
    "load_humaneval_plus",
    "load_livecodebench",
    "load_mbpp",
    "load_mbpp_plus",
    "load_outputs",
    "load_starter",
]

# The names under which a benchmark's file may lie in FLYWHEEL_DATA_DIR, the usual one first.
FILES: dict[str, tuple[str, ...]] = {
    "mbpp": (MBPP_FILE,),
    "mbpp-plus": MBPP_PLUS_FILES,
    "humaneval": humaneval.FILES,
    "humaneval-plus": HUMANEVAL_PLUS_FILES,
    "livecodebench": livecodebench.FILES,
    outputs.NAME: outputs.FILES,
}

# Those that have dev problems, which a gate may read.
DECIDING = ("starter", "mbpp")

# Some of MBPP+'s canonical solutions compute for seconds over their inputs, one returns a list of 1 GB.
_LEAST: dict[str, dict[str, float]] = {
    "mbpp-plus": {"cpu_s": 60, "wall_s": 180, "memory_mb": 2048, "output_kb": 8192},
    "humaneval": {"cpu_s": 5, "wall_s": 20},
    "humaneval-plus": {"cpu_s": 20, "wall_s": 60, "memory_mb": 2048, "output_kb": 8192},
    # Its own checker grants six seconds a test, of a function too.
    "livecodebench": {"cpu_s": 6, "wall_s": 20, "memory_mb": 1024, "output_kb": 8192},
}
_BY_CALL = ("livecodebench",)


# evalplus grants four times the canonical solution's time, and a second at least. Here a program runs on the
# calls of all its suites, in a container that has other work beside it.
GOLD_TIMES = 10


def limits_for(benchmarks: Iterable[str], settings: SandboxSettings) -> SandboxSettings:
    """The sandbox's settings with every limit at least what these benchmarks' gold solutions need."""
    limits = settings.model_dump()
    for least in (_LEAST.get(name.removesuffix("-public"), {}) for name in benchmarks):
        limits.update({limit: max(value, limits[limit]) for limit, value in least.items()})
    return SandboxSettings(**limits)


def cpu_limit(benchmark: str, settings: SandboxSettings, gold_s: float | None = None) -> float:
    """CPU seconds of a program for a problem whose gold solution takes `gold_s` on its gold suite: the
    settings' own, `GOLD_TIMES` gold's where that is more, but never more than the benchmark needs at most,
    which is also what a program gets where gold's time is not known."""
    most = limits_for([benchmark], settings).cpu_s
    return most if gold_s is None else min(most, max(settings.cpu_s, GOLD_TIMES * gold_s))


def is_limited_by_call(benchmark: str) -> bool:
    """Whether `cpu_limit` is the time of every call, not of all calls of a program together."""
    return benchmark.removesuffix("-public") in _BY_CALL


def at_hand() -> list[str]:
    """The benchmarks that load without a hub: shipped, in the data folder or with an installed package."""
    files = [name for name, names in FILES.items() if data_file(*names)]
    packaged = ["humaneval"] if humaneval.packaged_file() else []
    return list(dict.fromkeys(["starter", *packaged, *files]))


def check_benchmark(name: str) -> None:
    """Raises `FlywheelError` when a benchmark that no hub and no package brings lacks its file."""
    if name in ("mbpp-plus", "humaneval-plus"):
        needed_file(name, *FILES[name])


def load_benchmark(name: str, window: tuple[str, str] = ("", ""), release: str = "") -> list[Problem]:
    """All dev and test problems of a benchmark; of LiveCodeBench, those of a release (`load_livecodebench`)
    and in the window of contest dates.

    Raises `FlywheelError` when its data cannot be had.
    """
    loaders: dict[str, Callable[[], list[Problem]]] = {
        "starter": load_starter,
        "mbpp": lambda: [problem for problem in load_mbpp() if problem.split != "train"],
        "mbpp-plus": load_mbpp_plus,
        "humaneval": load_humaneval,
        "humaneval-plus": load_humaneval_plus,
        "livecodebench": lambda: load_livecodebench(*window, release),
        outputs.NAME: lambda: load_outputs(*window),
    }
    if name not in loaders:
        raise FlywheelError(f"no benchmark is called {name!r}: choose among {', '.join(loaders)}.")
    return loaders[name]()
