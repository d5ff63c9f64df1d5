"""Every solution on every call of its problem, in containers; verdicts come later, outside.

n solutions x m suites cost n programs, not n x m: a solution runs once over the union of distinct calls.
Equal programs run once and share the outcome. A second pass in reverse order, in another container, finds
solutions whose outcomes depend on what ran before; they are marked flaky and never become labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tasks.engines.image import ensure_image
from tasks.engines.sandbox import DockerSandbox, Sandbox
from tasks.errors import SandboxFault
from tasks.judging import outcome_key, plan_calls
from tasks.records import Behaviour, Execution, Problem, Program, Solution, Suite, record_id
from tasks.settings import SandboxSettings
from tasks.stages import Turn, run_stage, say, step
from tasks.tables import by_problem
from tasks.workspace import ModelRef, Ref, Stage, StageResult

SHARD_PROBLEMS = 32
MAX_FAULT_SHARE = 0.2


def programs_of(problem: Problem, solutions: Sequence[Solution], suites: Sequence[Suite]) -> list[Program]:
    """The distinct programs of one problem, each over the union of calls; the null candidate if needed."""
    plan = plan_calls(suites)
    if not plan.calls and not plan.checks:
        return []
    programs = {
        solution.code: Program(
            record_id(problem.problem_id, solution.code),
            solution.code,
            problem.entry_point,
            plan.calls,
            plan.checks,
            digests=bool(problem.gold_cases),
        )
        for solution in solutions
    }
    null = [Program(f"null/{problem.problem_id}", None, problem.entry_point, plan.calls, plan.checks)]
    return [*programs.values(), *(null if plan.checks else [])]


def reversed_program(program: Program) -> Program:
    """The same program with its calls and checks in reverse order."""
    return replace(program, calls=program.calls[::-1], checks=program.checks[::-1])


def is_flaky(first: Execution, second: Execution) -> bool:
    """Whether a run in reverse order did anything else (times aside)."""
    pairs = [*zip(first.calls, reversed(second.calls), strict=True)]
    pairs += zip(first.checks, reversed(second.checks), strict=True)
    return any(outcome_key(one) != outcome_key(two) for one, two in pairs)


def behaviours_of(
    problem: Problem, solutions: Sequence[Solution], executions: dict[str, Execution], flaky: set[str]
) -> list[Behaviour]:
    """A behaviour a solution (equal programs share it), and the null candidate's where it ran."""
    rows = []
    for solution in solutions:
        program_id = record_id(problem.problem_id, solution.code)
        execution = executions.get(program_id)
        if execution is not None:
            rows.append(
                Behaviour(
                    solution.solution_id,
                    problem.problem_id,
                    execution.calls,
                    execution.checks,
                    program_id in flaky,
                )
            )
    null = executions.get(f"null/{problem.problem_id}")
    if null is not None:
        rows.append(Behaviour(null.program_id, problem.problem_id, null.calls, null.checks))
    return rows


def execute_shard(
    sandbox: Sandbox,
    problems: Sequence[Problem],
    solutions: dict[str, list[Solution]],
    suites: dict[str, list[Suite]],
) -> list[Behaviour]:
    """Run all programs of some problems twice, in both orders, and collect their behaviours."""
    programs = [
        program
        for problem in problems
        for program in programs_of(
            problem, solutions.get(problem.problem_id, []), suites.get(problem.problem_id, [])
        )
    ]
    executions = {execution.program_id: execution for execution in sandbox.run(programs)}
    second = sandbox.run(
        reversed_program(p) for p in programs if p.code and not _exhausts(executions[p.program_id])
    )
    flaky = {again.program_id for again in second if is_flaky(executions[again.program_id], again)}
    return [
        row
        for problem in problems
        for row in behaviours_of(problem, solutions.get(problem.problem_id, []), executions, flaky)
    ]


def _exhausts(execution: Execution) -> bool:
    """Whether a program runs into a limit: a second pass would cost as much and say as little."""
    return any(outcome.kind in ("timeout", "memory") for outcome in (*execution.calls, *execution.checks))


def outcome_counts(behaviours: Sequence[Behaviour]) -> dict[str, int]:
    """How many outcomes of each kind, over all solutions and calls."""
    return dict(Counter(outcome.kind for row in behaviours for outcome in (*row.calls, *row.checks)))


@step("execute")
def execute(
    turn: Turn, label: str, problems: Ref, solutions: Ref, suites: Ref, settings: SandboxSettings
) -> StageResult:
    """Run every solution on every call of its problem's suites. Raises `SandboxFault` if much of it broke."""
    image = ensure_image(say)

    def compute(stage: Stage) -> None:
        workspace = turn.workspace
        all_problems = workspace.read(problems, Problem)
        solutions_of = by_problem(workspace.read(solutions, Solution))
        suites_of = by_problem(workspace.read(suites, Suite))
        rows: list[Behaviour] = []
        with DockerSandbox(settings, image, run_id=f"{workspace.root.name}-{turn.iteration}") as sandbox:
            for start in range(0, len(all_problems), SHARD_PROBLEMS):
                shard = all_problems[start : start + SHARD_PROBLEMS]
                rows += stage.shard(
                    f"{start:06d}",
                    Behaviour,
                    partial(execute_shard, sandbox, shard, solutions_of, suites_of),
                )
                say(f"execute {label}: {start + len(shard)} of {len(all_problems)} problems")
        counts = outcome_counts(rows)
        if counts.get("fault", 0) > MAX_FAULT_SHARE * max(1, sum(counts.values())):
            raise SandboxFault(
                f"the sandbox broke on {counts['fault']} of {sum(counts.values())} calls: run "
                "`flywheel doctor`, then the same command again; finished shards are kept."
            )
        stage.write("behaviours", Behaviour, rows)
        stage.facts.update(
            programs=len(rows), outcomes=counts, flaky=sum(row.flaky for row in rows), image=image
        )

    inputs: dict[str, Ref | ModelRef | str] = {
        "problems": problems,
        "solutions": solutions,
        "suites": suites,
        "image": image,
    }
    return run_stage(turn, "execute", 2, inputs, settings, compute, label)
