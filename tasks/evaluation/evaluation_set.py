"""The labelled problems that a model is scored on: dev decides, test is only reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from tasks.benchmarks.base import Selection
from tasks.benchmarks.registry import at_hand, load_benchmark
from tasks.core.records import CpuLimit, Problem
from tasks.evaluation.reference_runs import with_gold
from tasks.pipeline.stage import IterationContext, log_progress, stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Stage
from tasks.sandbox.backends import backend_of
from tasks.settings.sandbox import SandboxSettings
from tasks.testcode.dialects import dialect_versions


def first_of_each(problems: Sequence[Problem], count: int) -> list[Problem]:
    """The first `count` problems of each benchmark and split; all for 0."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for problem in problems:
        seen[problem.source, problem.split] += 1
        if not count or seen[problem.source, problem.split] <= count:
            kept.append(problem)
    return kept


@dataclass(frozen=True)
class LabelledProblems:
    """The problems of the benchmarks that are configured, those of all that are at hand without their cases,
    the image that gold solutions run in, and the dialects of tests that packages bring."""

    problems: tuple[Problem, ...]
    guarded: tuple[Problem, ...]
    at_hand: tuple[str, ...]
    image: str
    dialects: tuple[tuple[str, int], ...]


def labelled_problems(
    context: IterationContext, benchmarks: Sequence[str], selection: Selection, sandbox: SandboxSettings
) -> LabelledProblems:
    """What lies on this machine. Raises `FlywheelError` for a benchmark whose data cannot be had."""
    problems = [problem for name in benchmarks for problem in load_benchmark(name, selection)]
    others = [name for name in at_hand() if name not in benchmarks]
    also = [problem for name in others for problem in load_benchmark(name)]
    guarded = tuple(replace(problem, gold_cases=()) for problem in [*problems, *also])
    image = backend_of(sandbox).prepare(sandbox, log_progress)
    return LabelledProblems(tuple(problems), guarded, (*benchmarks, *others), image, dialect_versions())


class EvaluationSetStatistics(Statistics):
    """The problems that models are scored on."""

    kind: Literal["evaluation-set"] = "evaluation-set"
    problems: dict[str, int] = Field(title="", description="Scored problems by benchmark/split.")
    guarded: list[str] = Field(
        title="kept out of self-play", description="The benchmarks whose problems self-play must not see."
    )


@stage(StageName.EVALUATION_SET, 9, looks_up=labelled_problems)
def evaluation_set(
    stage: Stage,
    found: LabelledProblems,
    benchmarks: Sequence[str],
    selection: Selection,
    max_problems: int,
    sandbox: SandboxSettings,
) -> None:
    """Write the problems that are scored (`scored`; `dev` those that decide), what their programs are limited
    to (`limits`), and all that self-play must not see (`guarded`, without cases): every problem of the
    benchmarks that are configured, and of the others that are at hand, which a model may be scored on later.
    """
    scored, limits = with_gold(first_of_each(found.problems, max_problems), sandbox)
    stage.write("scored", Problem, scored)
    stage.write("dev", Problem, [problem for problem in scored if problem.split == "dev"])
    stage.write("guarded", Problem, found.guarded)
    stage.write("limits", CpuLimit, limits)
    stage.statistics = EvaluationSetStatistics(
        problems=Counter(f"{problem.source}/{problem.split}" for problem in scored), guarded=[*found.at_hand]
    )
