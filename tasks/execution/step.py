"""Every solution on every call of its problem, in containers; verdicts come later, outside.

Codes that differ in comments and layout alone are one program, which runs in several passes
(`tasks.execution.determinism`).
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from tasks.core.errors import SandboxFault
from tasks.core.fragments import is_deep, parse_python
from tasks.core.progress import current
from tasks.core.records import (
    Behaviour,
    CpuLimit,
    Problem,
    Program,
    Solution,
    Suite,
    record_id,
)
from tasks.execution.determinism import ProgramOutcomes, SandboxPair, run_programs, two_seeds
from tasks.execution.early_stop import Voters
from tasks.execution.problem_data import ProblemData, join_by_problem
from tasks.execution.verdicts import plan_calls
from tasks.pipeline.stage import IterationContext, log_progress, stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Ref, Stage
from tasks.sandbox.backends import backend_of
from tasks.settings.sandbox import SandboxSettings

SHARD_PROBLEMS = 32
MAX_FAULT_SHARE = 0.2
_CACHED_CHARACTERS = 4000
# How a program may come to see where in its text it stands, or the code object that knows.
_SEES_LINES = re.compile(
    r"line|trace|frame|inspect|warnings|attr|\bco_|\bf_|__\w+__|marshal|\bdis\b|\bexec\b|\beval\b"
    r"|\bgc\b|format|ctypes|logging|rofile|pickle|pydoc|doctest|unittest"
)
_NO_LIMIT = CpuLimit("")


def program_name(problem_id: str, code: str) -> str:
    """The id of a program. Codes that differ in comments and layout alone are one program."""
    return record_id(problem_id, _essence(code) if len(code) <= _CACHED_CHARACTERS else code)


@lru_cache(maxsize=4096)
def _essence(code: str) -> str:
    """The same for codes with one syntax tree, unless they look at their own lines."""
    tree = None if _SEES_LINES.search(code) else parse_python(code)
    try:
        return code if tree is None or is_deep(tree) else record_id(ast.dump(tree))
    except ValueError:
        # An int with more digits than may be written.
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
                cpu_each=limit.each,
            ),
        )
    if plan.checks:
        null = f"null/{problem.problem_id}"
        programs[null] = Program(null, None, problem.entry_point, plan.calls, plan.checks, cpu_s=limit.cpu_s)
    return [*programs.values()]


def behaviours_of(
    problem: Problem, solutions: Sequence[Solution], runs: Mapping[str, ProgramOutcomes]
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
    seeds: SandboxPair,
    problems: Sequence[ProblemData],
    limits: Mapping[str, CpuLimit] = MappingProxyType({}),
    early_stop_s: float = 0.0,
) -> list[Behaviour]:
    """What all solutions of some problems do on their suites, within their limits (by problem_id).

    With `early_stop_s`, the CPU seconds that a program has, those that do not end are stopped before where
    their votes cannot win (`tasks.execution.early_stop`).
    """
    programs: list[Program] = []
    suites_of: dict[str, Sequence[Suite]] = {}
    for data in problems:
        limit = limits.get(data.problem_id, _NO_LIMIT)
        for program in programs_of(data.problem, data.solutions, data.suites, limit):
            programs.append(program)
            suites_of[program.program_id] = data.suites
    voters = voters_of(problems, early_stop_s) if early_stop_s else None
    runs = run_programs(seeds, programs, suites_of, voters)
    return [row for data in problems for row in behaviours_of(data.problem, data.solutions, runs)]


def voters_of(problems: Sequence[ProblemData], cpu_s: float) -> Voters:
    """How many solutions of which problem each program is; the null candidate is nobody's."""
    problem_of = {f"null/{data.problem_id}": data.problem_id for data in problems}
    votes: Counter[str] = Counter()
    for data in problems:
        for solution in data.solutions:
            name = program_name(data.problem_id, solution.code)
            problem_of[name] = data.problem_id
            votes[name] += 1
    return Voters(problem_of, votes, cpu_s)


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


@dataclass(frozen=True)
class SandboxImage:
    """What programs run in, by the identity that its backend gives: for Docker the image's tag, which holds
    the digest of its files."""

    image: str


def sandbox_image(_context: IterationContext, settings: SandboxSettings) -> SandboxImage:
    """Built if it is missing. Raises `FlywheelError` when it cannot be."""
    return SandboxImage(backend_of(settings).prepare(settings, log_progress))


class ExecutionStatistics(Statistics):
    """How programs ended, and which of them depend on the seed or on the order of calls."""

    kind: Literal["execute"] = "execute"
    behaviours: int = Field(description="Programs with what they did.")
    outcomes: dict[str, int] = Field(description="Outcomes of all calls by kind.")
    order_dependent: int = Field(description="Programs that did otherwise in another order of calls.")
    stable_by_suite: int = Field(description="Those of them that always do the same within a suite.")
    flaky: int = Field(description="Programs that did otherwise on the same calls.")
    image: str = Field(description="Tag of the image whose containers ran them.")


@stage(StageName.EXECUTE, 13, looks_up=sandbox_image)
def execute(
    stage: Stage,
    found: SandboxImage,
    problems: Ref,
    solutions: Ref,
    suites: Ref,
    settings: SandboxSettings,
    limits: Ref | None = None,
) -> None:
    """Run every solution on every call of its problem's suites, with `limits` (`CpuLimit`) where they are
    less than the settings'. Raises `SandboxFault` if much of it broke."""
    joined = join_by_problem(
        stage.read(problems, Problem), stage.read(solutions, Solution), stage.read(suites, Suite)
    )
    limit_of = {limit.problem_id: limit for limit in stage.read(limits, CpuLimit)} if limits else {}
    # Where problems have limits of their own, what is slow is to be known.
    early_stop_s = settings.cpu_s if settings.early_stop and limits is None else 0.0
    rows: list[Behaviour] = []
    progress = current()
    with two_seeds(settings, found.image, stage.owner) as seeds:

        def run(shard: Sequence[ProblemData]) -> list[Behaviour]:
            return mostly_sound(execute_shard(seeds, shard, limit_of, early_stop_s))

        progress.count(len(joined), "problems")
        for start in range(0, len(joined), SHARD_PROBLEMS):
            shard = joined[start : start + SHARD_PROBLEMS]
            with progress.span(len(shard)):
                rows += stage.shard(f"{start:06d}", Behaviour, partial(run, shard))
            log_progress(f"{progress.name}: {progress.line()}")
    stage.write("behaviours", Behaviour, rows)
    stage.statistics = ExecutionStatistics(
        behaviours=len(rows),
        outcomes=outcome_counts(rows),
        order_dependent=sum(row.order_dependent for row in rows),
        stable_by_suite=sum(row.order_dependent and not row.flaky for row in rows),
        flaky=sum(row.flaky for row in rows),
        image=found.image,
    )
