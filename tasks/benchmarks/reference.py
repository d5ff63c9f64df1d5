"""What labelled problems bring along as records: gold solutions and gold suites."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.records import Problem, Solution, Suite
from tasks.testcode.suites import read_cases


def reference_records(problems: Sequence[Problem]) -> tuple[list[Solution], list[Suite]]:
    """The gold solutions and the gold suites."""
    solutions, suites = [], []
    for problem in problems:
        if problem.gold_solution:
            solutions.append(gold_of(problem))
        cases = (
            problem.gold_cases or read_cases(problem.gold_suite, problem.entry_point, benchmark=True).cases
        )
        if cases:
            suites.append(Suite(f"gold/{problem.problem_id}", problem.problem_id, cases, origin="gold"))
    return solutions, suites


def gold_of(problem: Problem) -> Solution:
    """A problem's gold solution as a record."""
    return Solution(f"gold/{problem.problem_id}", problem.problem_id, problem.gold_solution, origin="gold")
