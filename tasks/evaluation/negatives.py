"""The pool of negatives: solutions that gold says are wrong, which a good suite must be able to reject.

Shipped wrong solutions, mutants of gold, and samples of the first model that the workspace scored. That model
fixes the pool: every later one is measured against the same, so before and after can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from tasks.core.progress import counted
from tasks.core.records import Behaviour, Problem, Solution, Suite
from tasks.core.tables import by_problem
from tasks.execution.verdicts import answered, judge, outcome_key, plan_calls
from tasks.pipeline.stage import stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.workspace import Ref, Stage

UNFIT = {"fault", "timeout", "memory", "output_limit"}
"""What runs into a limit would cost every later evaluation as much, and shows no wrong value."""


@dataclass(frozen=True)
class Wrong:
    """A solution that fails its problem's gold suite, and what it did on the gold cases."""

    solution: Solution
    did: tuple[str, ...]


def known_wrong(
    problem: Problem, solutions: Sequence[Solution], suites: Sequence[Suite], behaviours: Sequence[Behaviour]
) -> list[Wrong]:
    """The solutions that fail a gold case, steadily and within all limits, and run on some.

    `suites` are all that `behaviours` lie over, the gold suite among them; without one nothing is known.
    """
    plan = plan_calls(suites)
    gold_cases = next((suite.cases for suite in suites if suite.origin == "gold"), ())
    rows = {behaviour.solution_id: behaviour for behaviour in behaviours}
    found = []
    for solution in solutions:
        behaviour = rows.get(solution.solution_id)
        if behaviour is None or behaviour.flaky or solution.origin == "gold":
            continue
        outcomes = [plan.outcome(behaviour, case) for case in gold_cases]
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


_FIRST_MODEL = (
    "samples of the first model that is scored fix the pool, so that whoever is scored later finds it"
)


@stage(
    StageName.NEGATIVES,
    2,
    not_in_key={"solutions": _FIRST_MODEL, "suites": _FIRST_MODEL, "behaviours": _FIRST_MODEL},
)
def negatives(
    stage: Stage,
    problems: Ref,
    candidates: Ref,
    gold_suites: Ref,
    candidate_behaviours: Ref,
    solutions: Ref,
    suites: Ref,
    behaviours: Ref,
    size: int,
) -> None:
    """Choose the pool, up to `size` a problem; `solutions`, `suites` and `behaviours` are those of the first
    model that is scored."""
    labelled = {problem.problem_id: problem for problem in stage.read(problems, Problem)}

    def wrong_of(solutions: Ref, suites: Ref, behaviours: Ref) -> dict[str, list[Wrong]]:
        solutions_of = by_problem(stage.read(solutions, Solution))
        suites_of = by_problem(stage.read(suites, Suite))
        behaviours_of = by_problem(stage.read(behaviours, Behaviour))
        return {
            key: known_wrong(
                problem, solutions_of.get(key, []), suites_of.get(key, []), behaviours_of.get(key, [])
            )
            for key, problem in counted(labelled.items(), len(labelled), "problems")
        }

    made = wrong_of(candidates, gold_suites, candidate_behaviours)
    sampled = wrong_of(solutions, suites, behaviours)
    pools = {key: pool_of(made[key], sampled[key], size) for key in made}
    pool = [solution for part in pools.values() for solution in part]
    sizes = sorted(map(len, pools.values()))
    stage.write("pool", Solution, pool)
    stage.facts.update(
        pool=len(pool),
        origins=dict(Counter(_origin(solution) for solution in pool)),
        candidates_not_shown_wrong=candidates.rows - sum(map(len, made.values())),
        smallest=sizes[0] if sizes else 0,
        median=sizes[len(sizes) // 2] if sizes else 0,
        problems_with_fewer=sum(count < size for count in sizes),
        samples_digest=solutions.digest,
    )
