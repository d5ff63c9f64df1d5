"""Small builders of records for tests."""

from __future__ import annotations

from tasks.core import values
from tasks.core.records import Behaviour, Outcome, Problem, Solution, Suite
from tasks.execution.verdicts import plan_calls
from tasks.testcode.suites import read_cases

PROBLEM = Problem("p/1", "Write a function that adds two numbers.", "add", "def add(a, b):", "statement")


def value(result: object) -> Outcome:
    return Outcome("value", values.encode(result))


def error(name: str) -> Outcome:
    return Outcome("exception", exception=name)


def suite(suite_id: str, *asserts: str, problem: Problem = PROBLEM, origin: str = "sample") -> Suite:
    cases = read_cases(asserts, problem.entry_point).cases
    return Suite(suite_id, problem.problem_id, cases, f"sample-{suite_id}", origin)  # type: ignore[arg-type]


def solution(solution_id: str, code: str, problem: Problem = PROBLEM) -> Solution:
    return Solution(solution_id, problem.problem_id, code, f"sample-{solution_id}")


def behaviour_of(solution_: Solution, suites: list[Suite], problem: Problem = PROBLEM) -> Behaviour:
    """What a trusted test program really does on the union of the suites' calls (run right here)."""
    namespace: dict[str, object] = {}
    exec(solution_.code, namespace)  # programs of these tests only
    outcomes = []
    for call in plan_calls(suites).calls:
        args, kwargs = values.decode(call.arguments)
        try:
            outcomes.append(value(namespace[problem.entry_point](*args, **kwargs)))  # type: ignore[operator]
        except Exception as raised:
            outcomes.append(error(type(raised).__name__))
    return Behaviour(solution_.solution_id, problem.problem_id, tuple(outcomes), ())
