"""Programs that are probably wrong, for the pool of negatives: shipped ones and mutants of gold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Literal

from pydantic import Field

from tasks.benchmarks.reference import gold_of, reference_records
from tasks.core.progress import over
from tasks.core.records import CpuLimit, Problem, Solution, Suite
from tasks.mutation.mutate import mutate_all
from tasks.pipeline.stage import stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Ref, Stage
from tasks.settings.sandbox import MUTANT_CPU_SHARE

PER_NEGATIVE = 2
SEED = 0


def candidates_of(problem: Problem, count: int, seed: int) -> list[Solution]:
    """Programs that are probably wrong: the shipped wrong ones, then up to `count` mutants of gold.

    Where gold is too short for so many, mutants of these follow: two edits away from gold, not one.
    """
    wrong = [
        Solution(f"wrong{index}/{problem.problem_id}", problem.problem_id, code, origin="wrong")
        for index, code in enumerate(problem.wrong_solutions)
    ]
    gold = [gold_of(problem)] if problem.gold_solution else []
    mutants = mutate_all(gold, count, seed)
    if gold and len(mutants) < count:
        known = {solution.code for solution in mutants}
        further = mutate_all([*gold, *mutants, *wrong], 2 * count, seed)
        mutants += [solution for solution in further if solution.code not in known]
    return [*wrong, *mutants[:count]]


class CandidateStatistics(Statistics):
    """Programs that may be wrong."""

    kind: Literal["candidates"] = "candidates"
    candidates: dict[str, int] = Field(description="Programs by origin: shipped as wrong, or mutants.")
    operators: dict[str, int] = Field(description="Mutants by the change that made them.")


@stage(
    StageName.CANDIDATES,
    4,
    constants={"per_negative": PER_NEGATIVE, "seed": SEED, "cpu_share": MUTANT_CPU_SHARE},
)
def candidates(stage: Stage, problems: Ref, limits: Ref, negatives: int) -> None:
    """Write them (`candidates`), for a pool of `negatives` a problem, the gold suites that will judge them
    (`suites`) and their share of the CPU limits (`limits`): some never end, and one that is slow is of no
    use."""
    labelled = stage.read(problems, Problem)
    count = PER_NEGATIVE * negatives
    asked = over(labelled, "problems") if count else iter(())
    rows = [row for problem in asked for row in candidates_of(problem, count, SEED)]
    stage.write("candidates", Solution, rows)
    stage.write("suites", Suite, reference_records(labelled)[1])
    shares = [replace(limit, cpu_s=limit.cpu_s * MUTANT_CPU_SHARE) for limit in stage.read(limits, CpuLimit)]
    stage.write("limits", CpuLimit, shares)
    stage.statistics = CandidateStatistics(
        candidates=Counter(row.origin for row in rows),
        operators=Counter(row.change.partition(",")[0] for row in rows if row.change),
    )
