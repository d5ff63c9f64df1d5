"""Expected values where a benchmark has none: its gold solution's, computed in the sandbox like any other."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.benchmarks import limits_for
from tasks.benchmarks.evalplus import complete
from tasks.engines.image import ensure_image
from tasks.engines.sandbox import DockerSandbox, Sandbox
from tasks.judging import CallPlan, plan_calls
from tasks.records import Problem, Program, Suite
from tasks.settings import SandboxSettings
from tasks.stages import say


def is_open(problem: Problem) -> bool:
    """Whether any of a problem's gold calls lacks its expected value."""
    return any(case.call and not (case.expected or case.raises) for case in problem.gold_cases)


def fill(sandbox: Sandbox, problems: Sequence[Problem]) -> list[Problem]:
    """The same problems, all with expected values. Raises `FlywheelError` when a gold solution gives none."""
    plans = {problem.problem_id: _plan(problem) for problem in problems if is_open(problem)}
    programs = [
        Program(p.problem_id, p.gold_solution, p.entry_point, plans[p.problem_id].calls, digests=True)
        for p in problems
        if p.problem_id in plans
    ]
    outcomes = {done.program_id: done.calls for done in sandbox.run(programs)}
    return [
        complete(
            problem,
            [
                outcomes[problem.problem_id][plans[problem.problem_id].call_index[case.call]]
                for case in problem.gold_cases
                if case.call
            ],
        )
        if problem.problem_id in plans
        else problem
        for problem in problems
    ]


def _plan(problem: Problem) -> CallPlan:
    return plan_calls([Suite("", problem.problem_id, problem.gold_cases)])


def filled(problems: Sequence[Problem], settings: SandboxSettings) -> list[Problem]:
    """`fill` in containers of its own; none is started when nothing is missing."""
    if not any(map(is_open, problems)):
        return list(problems)
    limits = limits_for({problem.source for problem in problems}, settings)
    with DockerSandbox(limits, ensure_image(say), "gold") as sandbox:
        return fill(sandbox, problems)
