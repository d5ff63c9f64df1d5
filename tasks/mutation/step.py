"""Mutants of what agreement chose: small wrong versions that a suite should be able to reject.

A suite that holds on the winners and rejects one of them tests something (`tasks.datasets.kept_problem`).
Nothing is trained on a mutant itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from tasks.core.progress import over
from tasks.core.records import Solution
from tasks.core.rows import Decision
from tasks.mutation.mutate import mutate_all
from tasks.pipeline.stage import stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Ref, Stage


def mutants_of_winners(
    solutions: Sequence[Solution], decisions: Iterable[Decision], count: int, seed: int
) -> list[Solution]:
    """Up to `count` mutants a kept problem, of its winning group's distinct programs."""
    by_id = {solution.solution_id: solution for solution in solutions}
    return [
        mutant
        for decision in decisions
        if decision.kept
        for mutant in mutate_all([by_id[chosen] for chosen in decision.chosen], count, seed)
    ]


class MutationStatistics(Statistics):
    """The mutants of the winners."""

    kind: Literal["mutate"] = "mutate"
    mutants: int = Field(description="Mutants of all problems.")
    problems: int = Field(description="Problems that have any.")
    operators: dict[str, int] = Field(description="Mutants by the change that made them.")


@stage(StageName.MUTATE, 2)
def mutate(stage: Stage, solutions: Ref, decisions: Ref, mutants: int, seed: int) -> None:
    """Write the mutants of all kept problems, up to `mutants` each, as solutions that can be executed."""
    rows = mutants_of_winners(
        stage.read(solutions, Solution), over(stage.read(decisions, Decision), "problems"), mutants, seed
    )
    stage.write("mutants", Solution, rows)
    stage.statistics = MutationStatistics(
        mutants=len(rows),
        problems=len({row.problem_id for row in rows}),
        operators=Counter(row.change.partition(",")[0] for row in rows),
    )
