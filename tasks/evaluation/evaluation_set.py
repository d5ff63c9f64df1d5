"""The labelled problems that a model is scored on: dev decides, test is only reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tasks.benchmarks.base import Selection
from tasks.benchmarks.registry import at_hand, load_benchmark
from tasks.core.records import CpuLimit, Problem, record_id
from tasks.evaluation.reference_runs import with_gold
from tasks.pipeline.stage import IterationContext, run_stage, step
from tasks.pipeline.workspace import Stage, StageResult
from tasks.settings.evaluation import EvaluationSettings
from tasks.settings.sandbox import SandboxSettings


def first_of_each(problems: Sequence[Problem], count: int) -> list[Problem]:
    """The first `count` problems of each benchmark and split; all for 0."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for problem in problems:
        seen[problem.source, problem.split] += 1
        if not count or seen[problem.source, problem.split] <= count:
            kept.append(problem)
    return kept


@step("evaluation-set")
def evaluation_set(
    context: IterationContext, settings: EvaluationSettings, sandbox: SandboxSettings
) -> StageResult:
    """Write the problems that are scored (`scored`; `dev` those that decide), what their programs are limited
    to (`limits`), and all that self-play must not see (`guarded`, without cases): every problem of the
    benchmarks that are configured, and of the others that are at hand, which a model may be scored on later.
    """
    selection = Selection(
        settings.livecodebench_from, settings.livecodebench_to, settings.livecodebench_release
    )
    problems = [problem for name in settings.benchmarks for problem in load_benchmark(name, selection)]
    others = [name for name in at_hand() if name not in settings.benchmarks]
    also = [problem for name in others for problem in load_benchmark(name)]
    guarded = [replace(problem, gold_cases=()) for problem in [*problems, *also]]

    def compute(stage: Stage) -> None:
        scored, limits = with_gold(first_of_each(problems, settings.max_problems), sandbox)
        stage.write("scored", Problem, scored)
        stage.write("dev", Problem, [problem for problem in scored if problem.split == "dev"])
        stage.write("guarded", Problem, guarded)
        stage.write("limits", CpuLimit, limits)
        stage.facts.update(Counter(f"{problem.source}/{problem.split}" for problem in scored))
        stage.facts["kept out of self-play"] = [*settings.benchmarks, *others]

    plain = {"max_problems": settings.max_problems, "cpu_s": sandbox.cpu_s}
    inputs = {"problems": record_id(*problems), "guarded": record_id(*guarded)}
    return run_stage(context, "evaluation-set", 8, inputs, plain, compute)
