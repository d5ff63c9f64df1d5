"""Every solution on every call of its problem, in containers; verdicts come later, outside.

A verdict means what a fresh process per suite would give. That would cost n solutions x m suites, so
sharing comes first and is then checked:

1. Each distinct program, comments and layout aside, runs once over the union of its problem's distinct
   calls (one process) and checks (a process each).
2. It runs again over the same calls and checks in reverse order, all in one process, in a container with
   another hash seed; calls that one suite repeats come twice. Nearly every program does the same as
   before: its first outcomes are its truth.
3. One that did anything else runs once a suite and hash seed, each time in a fresh process, the suite's
   cases in the suite's order. If both seeds agree, these outcomes are its truth; otherwise it is flaky.

The second pass is included for every program that any label or score could rely on; left out are those
that came to nothing but limits and crashes.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import MappingProxyType

from tasks.engines.episodes import was_run
from tasks.engines.image import ensure_image
from tasks.engines.sandbox import DockerSandbox, Sandbox
from tasks.errors import SandboxFault
from tasks.judging import outcome_key, plan_calls
from tasks.records import (
    Behaviour,
    Call,
    CpuLimit,
    Execution,
    Outcome,
    Problem,
    Program,
    Solution,
    Suite,
    SuiteRun,
    record_id,
)
from tasks.settings import MACHINE, SandboxSettings
from tasks.stages import Turn, run_stage, say, step
from tasks.tables import by_problem
from tasks.testsource import parse_python
from tasks.workspace import ModelRef, Ref, Stage, StageResult

SHARD_PROBLEMS = 32
MAX_FAULT_SHARE = 0.2
_CACHED_CHARACTERS = 4000
# How a program may come to see where in its text it stands, or the code object that knows.
_SEES_LINES = re.compile(r"line|trace|inspect|warnings|co_|__code__|marshal|\bdis\b")
_NO_LIMIT = CpuLimit("")
DIFFERS = Outcome("no_result", detail="differs from suite to suite")


@dataclass(frozen=True)
class Seeds:
    """Two pools of containers whose programs hash text differently, so that sets show it."""

    first: Sandbox
    second: Sandbox


@contextmanager
def two_seeds(settings: SandboxSettings, image: str, run_id: str) -> Iterator[Seeds]:
    """The two pools. They work in turn, so together they load the machine as one does."""
    with (
        DockerSandbox(settings, image, run_id) as first,
        DockerSandbox(settings, image, run_id, hash_seed=1) as second,
    ):
        yield Seeds(first, second)


@dataclass(frozen=True)
class Run:
    """What is known of one program; the fields are those of `Behaviour`."""

    calls: tuple[Outcome, ...]
    checks: tuple[Outcome, ...]
    flaky: bool = False
    by_suite: tuple[SuiteRun, ...] = ()
    order_dependent: bool = False


def program_name(problem_id: str, code: str) -> str:
    """The id of a program. Codes that differ in comments and layout alone are one program."""
    return record_id(problem_id, _essence(code) if len(code) <= _CACHED_CHARACTERS else code)


@lru_cache(maxsize=4096)
def _essence(code: str) -> str:
    """The same for codes with one syntax tree, unless they look at their own lines."""
    tree = None if _SEES_LINES.search(code) else parse_python(code)
    try:
        return code if tree is None else record_id(ast.dump(tree))
    except (RecursionError, ValueError):
        # Too deep, or an int with more digits than may be written.
        return code


def programs_of(
    problem: Problem, solutions: Sequence[Solution], suites: Sequence[Suite], limit: CpuLimit = _NO_LIMIT
) -> list[Program]:
    """The distinct programs of one problem, each over the union of calls; the null candidate if needed."""
    plan = plan_calls(suites)
    if not plan.calls and not plan.checks:
        return []
    programs: dict[str, Program] = {}
    # Gold comes first: a sample that is the same program has gold's limit.
    for solution in sorted(solutions, key=lambda one: one.origin != "gold"):
        name = program_name(problem.problem_id, solution.code)
        programs.setdefault(
            name,
            Program(
                name,
                solution.code,
                problem.entry_point,
                plan.calls,
                plan.checks,
                digests=bool(problem.gold_cases),
                cpu_s=limit.gold_cpu_s if solution.origin == "gold" else limit.cpu_s,
            ),
        )
    if plan.checks:
        null = f"null/{problem.problem_id}"
        programs[null] = Program(null, None, problem.entry_point, plan.calls, plan.checks, cpu_s=limit.cpu_s)
    return [*programs.values()]


def second_program(program: Program, suites: Sequence[Suite]) -> Program:
    """The same calls and checks in one process, the last first, after the calls that one suite repeats."""
    repeats: dict[Call | str, None] = {}
    for suite in suites:
        counts = Counter(case.call for case in suite.cases if case.call is not None)
        repeats.update(dict.fromkeys(call for call, count in counts.items() if count > 1))
    steps = (*repeats, *program.checks[::-1], *program.calls[::-1])
    return replace(program, calls=(), checks=(), steps=steps)


def suite_program(program: Program, suite: Suite) -> Program:
    """The program in a process that runs this suite alone: step i is case i."""
    return replace(program, calls=(), checks=(), steps=tuple(case.call or case.check for case in suite.cases))


def did_something(execution: Execution) -> bool:
    """Whether a program did anything that a label or a score could rely on."""
    return any(outcome.kind in ("value", "exception") for outcome in (*execution.calls, *execution.checks))


def merged(first: Execution, second: Execution) -> tuple[Run, bool]:
    """The outcomes of both passes, and whether they agree (times aside).

    What one pass left out, after too many timeouts, is taken from the other.
    """
    pairs = [*zip((*first.calls, *first.checks), second.steps[::-1], strict=False)]
    both = [one if was_run(one) else two for one, two in pairs]
    agree = all(outcome_key(one) == outcome_key(two) for one, two in pairs if was_run(one) and was_run(two))
    count = len(first.calls)
    return Run(tuple(both[:count]), tuple(both[count:])), agree


def settled(run: Run, suites: Sequence[Suite], one: Sequence[Execution], two: Sequence[Execution]) -> Run:
    """The truth about a program whose passes disagree: `one` and `two` hold its runs a suite, by seed.

    A call or check that has one outcome in all suites simply has that outcome.
    """
    run = replace(run, order_dependent=True)
    runs = [(suite, execution.steps) for suite, execution in zip(suites, one, strict=True)]
    again = [(suite, execution.steps) for suite, execution in zip(suites, two, strict=True)]
    fault = next((o for _, outcomes in runs + again for o in outcomes if o.kind == "fault"), None)
    if fault is not None:
        return Run((fault,) * len(run.calls), (fault,) * len(run.checks))
    if [[*map(outcome_key, outcomes)] for _, outcomes in runs] != [
        [*map(outcome_key, outcomes)] for _, outcomes in again
    ]:
        return replace(run, flaky=True)
    seen: dict[Call | str, Outcome] = {}
    differs = False
    for suite, outcomes in runs:
        for case, outcome in zip(suite.cases, outcomes, strict=True):
            place = case.call or case.check
            if outcome_key(seen.setdefault(place, outcome)) != outcome_key(outcome):
                seen[place], differs = DIFFERS, True
    plan = plan_calls(suites)
    return replace(
        run,
        calls=tuple(seen[call] for call in plan.calls),
        checks=tuple(seen[check] for check in plan.checks),
        by_suite=tuple(SuiteRun(suite.suite_id, outcomes) for suite, outcomes in runs) if differs else (),
    )


def run_programs(
    seeds: Seeds, programs: Sequence[Program], suites_of: Mapping[str, Sequence[Suite]]
) -> dict[str, Run]:
    """The truth about programs, by their ids (distinct).

    A program's calls and checks are the union (`plan_calls`) of its problem's suites, which `suites_of`
    holds by the program's id.
    """
    first = {execution.program_id: execution for execution in seeds.first.run(programs)}
    runs = {name: Run(execution.calls, execution.checks) for name, execution in first.items()}
    again = {p.program_id: p for p in programs if p.code is not None and did_something(first[p.program_id])}
    unsettled = []
    for second in seeds.second.run(second_program(p, suites_of[name]) for name, p in again.items()):
        runs[second.program_id], agree = merged(first[second.program_id], second)
        if not agree:
            unsettled.append(again[second.program_id])
    alone = [
        suite_program(program, suite) for program in unsettled for suite in suites_of[program.program_id]
    ]
    one, two = ([*sandbox.run(alone)] for sandbox in (seeds.first, seeds.second))
    start = 0
    for program in unsettled:
        suites = suites_of[program.program_id]
        part = slice(start, start := start + len(suites))
        runs[program.program_id] = settled(runs[program.program_id], suites, one[part], two[part])
    return runs


def behaviours_of(
    problem: Problem, solutions: Sequence[Solution], runs: Mapping[str, Run]
) -> list[Behaviour]:
    """A behaviour a solution (equal programs share it), and the null candidate's where it ran."""
    null = f"null/{problem.problem_id}"
    names = [(s.solution_id, program_name(problem.problem_id, s.code)) for s in solutions]
    return [
        Behaviour(
            solution_id,
            problem.problem_id,
            run.calls,
            run.checks,
            run.flaky,
            run.by_suite,
            run.order_dependent,
        )
        for solution_id, name in [*names, (null, null)]
        if (run := runs.get(name)) is not None
    ]


def execute_shard(
    seeds: Seeds,
    problems: Sequence[Problem],
    solutions: Mapping[str, Sequence[Solution]],
    suites: Mapping[str, Sequence[Suite]],
    limits: Mapping[str, CpuLimit] = MappingProxyType({}),
) -> list[Behaviour]:
    """What all solutions of some problems do on their suites, within their limits (all by problem_id)."""
    programs: list[Program] = []
    suites_of: dict[str, Sequence[Suite]] = {}
    for problem in problems:
        own = suites.get(problem.problem_id, ())
        limit = limits.get(problem.problem_id, _NO_LIMIT)
        for program in programs_of(problem, solutions.get(problem.problem_id, ()), own, limit):
            programs.append(program)
            suites_of[program.program_id] = own
    runs = run_programs(seeds, programs, suites_of)
    return [
        row
        for problem in problems
        for row in behaviours_of(problem, solutions.get(problem.problem_id, ()), runs)
    ]


def outcome_counts(behaviours: Sequence[Behaviour]) -> dict[str, int]:
    """How many outcomes of each kind, over all solutions and calls."""
    return dict(Counter(outcome.kind for row in behaviours for outcome in (*row.calls, *row.checks)))


def mostly_sound(behaviours: list[Behaviour]) -> list[Behaviour]:
    """The same. Raises `SandboxFault` if much of it broke, so that a shard is run again and not kept."""
    counts = outcome_counts(behaviours)
    if counts.get("fault", 0) > MAX_FAULT_SHARE * sum(counts.values()):
        raise SandboxFault(
            f"the sandbox broke on {counts['fault']} of {sum(counts.values())} calls: run "
            "`flywheel doctor`, then the same command again."
        )
    return behaviours


@step("execute")
def execute(
    turn: Turn,
    label: str,
    problems: Ref,
    solutions: Ref,
    suites: Ref,
    settings: SandboxSettings,
    limits: Ref | None = None,
) -> StageResult:
    """Run every solution on every call of its problem's suites, with `limits` (`CpuLimit`) where they are
    less than the settings'. Raises `SandboxFault` if much of it broke."""
    image = ensure_image(say, settings.numpy)

    def compute(stage: Stage) -> None:
        workspace = turn.workspace
        all_problems = workspace.read(problems, Problem)
        solutions_of = by_problem(workspace.read(solutions, Solution))
        suites_of = by_problem(workspace.read(suites, Suite))
        limit_of = {limit.problem_id: limit for limit in workspace.read(limits, CpuLimit)} if limits else {}
        rows: list[Behaviour] = []
        with two_seeds(settings, image, f"{workspace.root.name}-{turn.iteration}") as seeds:

            def run(shard: Sequence[Problem]) -> list[Behaviour]:
                return mostly_sound(execute_shard(seeds, shard, solutions_of, suites_of, limit_of))

            for start in range(0, len(all_problems), SHARD_PROBLEMS):
                shard = all_problems[start : start + SHARD_PROBLEMS]
                rows += stage.shard(f"{start:06d}", Behaviour, partial(run, shard))
                say(f"execute {label}: {start + len(shard)} of {len(all_problems)} problems")
        stage.write("behaviours", Behaviour, rows)
        stage.facts.update(
            programs=len(rows),
            outcomes=outcome_counts(rows),
            order_dependent=sum(row.order_dependent for row in rows),
            stable_by_suite=sum(row.order_dependent and not row.flaky for row in rows),
            flaky=sum(row.flaky for row in rows),
            image=image,
        )

    inputs: dict[str, Ref | ModelRef | str] = {
        "problems": problems,
        "solutions": solutions,
        "suites": suites,
        "image": image,
    }
    if limits is not None:
        inputs["limits"] = limits
    plain = settings.model_dump(exclude=MACHINE["sandbox"])
    return run_stage(turn, "execute", 3, inputs, plain, compute, label)
