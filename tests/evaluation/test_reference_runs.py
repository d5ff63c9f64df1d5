"""Gold on its own suites: how long it takes limits the other programs of its problem."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.core.records import Execution, Outcome, Problem
from tasks.evaluation.reference_runs import gold_seconds, with_gold
from tasks.settings.sandbox import SandboxSettings

PROBLEM = Problem(
    "quick",
    "Return x.",
    "f",
    "def f(x):",
    "humaneval",
    gold_solution="def f(x):\n    return x\n",
    gold_suite=("assert f(1) == 1", "assert [f(x) for x in (1, 2)] == [1, 2]"),
)
SLOW = """
import time
def f(x):
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    return x
"""


def test_limits_are_ten_times_what_gold_takes(image: str) -> None:
    problems = [
        # Without checks, whose wall time counts: on a busy machine that may be anything.
        replace(PROBLEM, gold_suite=("assert f(1) == 1",)),
        replace(PROBLEM, problem_id="slow", gold_solution=SLOW),
        replace(PROBLEM, problem_id="endless", gold_solution=SLOW.replace("0.1", "9")),
        replace(PROBLEM, problem_id="own", source="starter", gold_solution=SLOW),
        replace(PROBLEM, problem_id="without gold", gold_solution=""),
        replace(PROBLEM, problem_id="without suite", gold_suite=()),
    ]
    same, limits = with_gold(problems, SandboxSettings(cpu_s=0.5))
    assert same == problems
    assert [limit.problem_id for limit in limits] == [problem.problem_id for problem in problems]
    quick, slow, *others = (limit.cpu_s for limit in limits)
    assert quick == 0.5
    # A call of 0.1 s and a check of two; on a busy machine a check's wall time is longer.
    assert 2.9 < slow <= 5
    assert others == [5, 0.5, 5, 5]
    assert [limit.gold_cpu_s for limit in limits] == [5, 5, 5, 0.5, 5, 5]


def test_the_time_of_gold_is_known_when_it_came_to_its_ends() -> None:
    call = Outcome("value", "1", cpu_ms=20, wall_ms=90)
    error = Outcome("exception", exception="ValueError", cpu_ms=10)
    check = Outcome("value", cpu_ms=1, wall_ms=30)
    assert gold_seconds(Execution("p", (call, call, error), (check,))) == pytest.approx(0.08)
    assert gold_seconds(None) is None
    for cut in (Outcome("timeout"), Outcome("exception", exception="NameError", loading=True)):
        assert gold_seconds(Execution("p", (call, cut), (check,))) is None
    for cut in (Outcome("timeout"), Outcome("exception", exception="AssertionError")):
        assert gold_seconds(Execution("p", (call,), (check, cut))) is None
