"""The pool of negatives: solutions that gold says are wrong, which a good suite must be able to reject.

Shipped wrong solutions, mutants of gold, and samples of the first model that the workspace scored. That model
fixes the pool: every later one is measured against the same, so before and after can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from pydantic import Field

from tasks.core.progress import counted
from tasks.core.records import Behaviour, Problem, Solution, Suite
from tasks.execution.problem_data import ProblemData, SampleRefs, join_by_problem, read_problem_data
from tasks.execution.verdicts import answered, judge, outcome_key
from tasks.pipeline.stage import stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Ref, Stage

UNFIT = {"fault", "timeout", "memory", "output_limit"}
"""What runs into a limit would cost every later evaluation as much, and shows no wrong value."""


@dataclass(frozen=True)
class Wrong:
    """A solution that fails its problem's gold suite, and what it did on the gold cases."""

    solution: Solution
    did: tuple[str, ...]


def known_wrong(data: ProblemData) -> list[Wrong]:
    """The solutions that fail a gold case, steadily and within all limits, and run on some; without a gold
    suite nothing is known."""
    gold_cases = data.gold_suite.cases if data.gold_suite else ()
    found = []
    for solution in data.solutions:
        behaviour = data.rows.get(solution.solution_id)
        if behaviour is None or behaviour.flaky or solution.origin == "gold":
            continue
        outcomes = [data.plan.outcome(behaviour, case) for case in gold_cases]
        kinds = {outcome.kind for outcome in outcomes}
        verdicts = [judge(one, case) for one, case in zip(outcomes, gold_cases, strict=True)]
        runs = any(map(answered, outcomes, gold_cases))
        if runs and not kinds & UNFIT and "fail" in verdicts:
            found.append(Wrong(solution, tuple(map(outcome_key, outcomes))))
    return found


def pool_of(candidates: Sequence[Wrong], samples: Sequence[Wrong], count: int) -> list[Solution]:
    """Up to `count` distinct programs: shipped ones, then mutants and samples in turn.

    One that does on gold's calls what an earlier one does comes after all that do something else.
    """
    shipped = [item for item in candidates if item.solution.origin == "wrong"]
    mutants = [item for item in candidates if item.solution.origin != "wrong"]
    in_turn = [item for pair in zip_longest(mutants, samples) for item in pair if item is not None]
    distinct: dict[str, Wrong] = {}
    for item in (*shipped, *in_turn):
        distinct.setdefault(item.solution.code.strip(), item)
    seen: set[tuple[str, ...]] = set()
    fresh: list[Solution] = []
    repeated: list[Solution] = []
    for item in distinct.values():
        (repeated if item.did in seen else fresh).append(item.solution)
        seen.add(item.did)
    return [
        replace(solution, origin="wrong") if solution.origin == "sample" else solution
        for solution in [*fresh, *repeated][:count]
    ]


def _origin(solution: Solution) -> str:
    return "mutants" if solution.origin == "mutant" else "samples" if solution.sample_id else "shipped"


class NegativeStatistics(Statistics):
    """The pool of programs that gold says are wrong."""

    kind: Literal["negatives"] = "negatives"
    pool: int = Field(description="Programs of the pool.")
    origins: dict[str, int] = Field(description="Programs by origin: shipped, mutants, samples.")
    candidates_not_shown_wrong: int = Field(description="Candidates that gold did not show to be wrong.")
    smallest: int = Field(description="Programs of the problem with the fewest.")
    median: int = Field(description="Median of a problem's programs.")
    problems_with_fewer: int = Field(description="Problems with fewer programs than were asked for.")
    samples_digest: str = Field(description="Digest of the solutions whose wrong ones are in the pool.")


@stage(
    StageName.NEGATIVES,
    2,
    not_in_key={
        "first": "the first model that is scored fixes the pool: whoever is scored later is to find it"
    },
)
def negatives(
    stage: Stage,
    problems: Ref,
    candidates: Ref,
    gold_suites: Ref,
    candidate_behaviours: Ref,
    first: SampleRefs,
    size: int,
) -> None:
    """Choose the pool, up to `size` a problem, of the candidates and of what the `first` model that is scored
    wrote."""
    labelled = stage.read(problems, Problem)
    proposed = join_by_problem(
        labelled,
        stage.read(candidates, Solution),
        stage.read(gold_suites, Suite),
        stage.read(candidate_behaviours, Behaviour),
    )
    written = read_problem_data(stage, first)
    made, sampled = (
        {data.problem_id: known_wrong(data) for data in counted(part, len(labelled), "problems")}
        for part in (proposed, written)
    )
    pools = {key: pool_of(made[key], sampled[key], size) for key in made}
    pool = [solution for part in pools.values() for solution in part]
    sizes = sorted(map(len, pools.values()))
    stage.write("pool", Solution, pool)
    stage.statistics = NegativeStatistics(
        pool=len(pool),
        origins=Counter(_origin(solution) for solution in pool),
        candidates_not_shown_wrong=candidates.rows - sum(map(len, made.values())),
        smallest=sizes[0] if sizes else 0,
        median=sizes[len(sizes) // 2] if sizes else 0,
        problems_with_fewer=sum(count < size for count in sizes),
        samples_digest=first.solutions.digest,
    )
