"""Gold solutions on their gold suites, run in the sandbox like any other program.

Two things come of it: the expected values of benchmarks that bring none, and the CPU time that limits
the other programs of a problem.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.benchmarks.evalplus import complete
from tasks.benchmarks.reference import reference_records
from tasks.benchmarks.registry import cpu_limit, is_limited_by_call, limits_for
from tasks.core.progress import counted
from tasks.core.records import CpuLimit, Execution, Problem, Program
from tasks.execution.verdicts import plan_calls
from tasks.pipeline.stage import log_progress
from tasks.sandbox.backends import backend_of
from tasks.settings.sandbox import SandboxSettings


def is_open(problem: Problem) -> bool:
    """Whether any of a problem's gold calls lacks its expected value."""
    return any(case.call and not (case.expected or case.raises) for case in problem.gold_cases)


def with_gold(problems: Sequence[Problem], settings: SandboxSettings) -> tuple[list[Problem], list[CpuLimit]]:
    """The same problems, all with expected values, and the CPU limits of their programs, in their order.

    Containers are started only if there is gold. Raises `FlywheelError` when a gold solution gives no value
    where one is needed.
    """
    executions = _run(problems, settings)
    filled = [
        _fill(problem, executions[problem.problem_id]) if is_open(problem) else problem
        for problem in problems
    ]
    limits = [
        CpuLimit(
            problem.problem_id,
            cpu_limit(problem.source, settings, gold_seconds(executions.get(problem.problem_id))),
            cpu_limit(problem.source, settings),
            is_limited_by_call(problem.source),
        )
        for problem in problems
    ]
    return filled, limits


def gold_seconds(execution: Execution | None) -> float | None:
    """CPU seconds of a gold solution on its suite; None if it did not run to the end of every call and check.

    A check counts with its wall time: its CPU time is the test process's, without the solution's.
    """
    if execution is None:
        return None
    calls, checks = execution.calls, execution.checks
    if any(call.kind not in ("value", "exception") or call.loading for call in calls):
        return None
    if any(check.kind != "value" for check in checks):
        return None
    return sum([call.cpu_ms for call in calls] + [check.wall_ms for check in checks]) / 1e3


def _run(problems: Sequence[Problem], settings: SandboxSettings) -> dict[str, Execution]:
    """By problem_id, of all that have gold."""
    plans = {suite.problem_id: plan_calls([suite]) for suite in reference_records(problems)[1]}
    programs = [
        Program(
            problem.problem_id,
            problem.gold_solution,
            problem.entry_point,
            plan.calls,
            plan.checks,
            digests=bool(problem.gold_cases),
            cpu_s=cpu_limit(problem.source, settings),
        )
        for problem in problems
        if problem.gold_solution and (plan := plans.get(problem.problem_id))
    ]
    if not programs:
        return {}
    limits = limits_for({problem.source for problem in problems}, settings)
    backend = backend_of(settings)
    with backend.open(limits, backend.prepare(settings, log_progress), "gold", 0) as sandbox:
        ran = counted(sandbox.run(programs), len(programs), "gold solutions")
        return {done.program_id: done for done in ran}


def _fill(problem: Problem, execution: Execution) -> Problem:
    """The problem with its gold's values as the expected ones."""
    suite = reference_records([problem])[1][0]
    plan = plan_calls([suite])
    return complete(
        problem, [execution.calls[plan.call_index[case.call]] for case in suite.cases if case.call]
    )
