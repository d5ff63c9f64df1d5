"""Labelled problems: each benchmark owns its decoder and its comparison rule.

starter        written for this project, shipped with it
mbpp           MBPP sanitized: dev and test, and train for self-play
mbpp-plus      MBPP+: 378 tasks of MBPP with many more inputs; test
humaneval      HumanEval; test
livecodebench  dated contest problems, functions and stdin programs; test
"""

from __future__ import annotations

from collections.abc import Iterable

from tasks.benchmarks import humaneval, livecodebench
from tasks.benchmarks.evalplus import MBPP_PLUS_FILES, load_mbpp_plus
from tasks.benchmarks.humaneval import load_humaneval
from tasks.benchmarks.livecodebench import load_livecodebench
from tasks.benchmarks.mbpp import MBPP_FILE, load_mbpp
from tasks.benchmarks.starter import load_starter
from tasks.errors import FlywheelError
from tasks.records import Problem
from tasks.settings import SandboxSettings

__all__ = [
    "FILES",
    "limits_for",
    "load_benchmark",
    "load_humaneval",
    "load_livecodebench",
    "load_mbpp",
    "load_mbpp_plus",
    "load_starter",
]

# The names under which a benchmark's file may lie in FLYWHEEL_DATA_DIR, the usual one first.
FILES: dict[str, tuple[str, ...]] = {
    "mbpp": (MBPP_FILE,),
    "mbpp-plus": MBPP_PLUS_FILES,
    "humaneval": humaneval.FILES,
    "livecodebench": livecodebench.FILES,
}

# Some of MBPP+'s canonical solutions compute for seconds over their inputs, one returns a list of 1 GB.
_LEAST: dict[str, dict[str, float]] = {
    "mbpp-plus": {"cpu_s": 60, "wall_s": 180, "memory_mb": 2048, "output_kb": 8192},
    "humaneval": {"cpu_s": 5, "wall_s": 20},
    # Its own checker grants six seconds a test; here a function runs on all its tests in one process.
    "livecodebench": {"cpu_s": 12, "wall_s": 20, "memory_mb": 1024, "output_kb": 8192},
}


def limits_for(benchmarks: Iterable[str], settings: SandboxSettings) -> SandboxSettings:
    """The sandbox's settings with every limit at least what these benchmarks' gold solutions need."""
    limits = settings.model_dump()
    for least in (_LEAST.get(name, {}) for name in benchmarks):
        limits.update({limit: max(value, limits[limit]) for limit, value in least.items()})
    return SandboxSettings(**limits)


def load_benchmark(name: str, window: tuple[str, str] = ("", "")) -> list[Problem]:
    """All dev and test problems of a benchmark; of LiveCodeBench, those in the window of contest dates.

    Raises `FlywheelError` when its data cannot be had.
    """
    if name == "starter":
        return load_starter()
    if name == "mbpp":
        return [problem for problem in load_mbpp() if problem.split != "train"]
    if name == "mbpp-plus":
        return load_mbpp_plus()
    if name == "humaneval":
        return load_humaneval()
    if name == "livecodebench":
        return load_livecodebench(*window)
    raise FlywheelError(
        f"no benchmark is called {name!r}: choose among starter, mbpp, mbpp-plus, humaneval, livecodebench."
    )
