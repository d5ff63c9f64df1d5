"""The rules of the agreement study: what each keeps of a labelled problem, and how sure it says it is.

CodeT's rule lives here alone. Labels lie beside the votes and no rule reads them.

What helped on 2026-11-25 (80 problems, of which the model ever solves 13, so differences of a few problems;
128 more, held out, in agreement_study.md):
ranking by votes instead of by cases; asking for a variety of returned values, inputs being proposed apart
from outputs; half the samples at a lower temperature; votes of one repeated program, as the model's
confidence, at medium yield and one temperature only. What did not: discounting boolean cases, distinct
expected values, weighing a case by the suites that propose it, cases as a factor at all, and the model's
own log-probabilities of its samples as weights of votes or of groups (ten forms, on all 208 problems; tried
once by a script that is not kept).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt

from benchmarks.agreement_samples import WARM
from tasks.core.records import Behaviour, Problem, Solution, Suite
from tasks.execution.verdicts import holds, judge, plan_calls
from tasks.filtering.rules.paper import decide_by_paper
from tasks.filtering.votes import Group, ProblemVotes, problem_votes_of, ranked_groups
from tasks.settings.agreement import AgreementSettings


@dataclass(frozen=True)
class Labelled:
    """A problem's votes, and what gold says of it: right solutions, and whether each case is true."""

    problem: Problem
    votes: ProblemVotes
    right: frozenset[str]
    true: tuple[bool, ...]
    codes: dict[str, str]
    cool: frozenset[str]


@dataclass(frozen=True)
class Pick:
    """What a rule chooses on one problem: its score, the solutions and the indexes of cases."""

    score: float
    solutions: tuple[str, ...]
    cases: tuple[int, ...]


Rule = Callable[[Labelled], Pick | None]


def label(
    problem: Problem, solutions: Sequence[Solution], suites: Sequence[Suite], behaviours: Sequence[Behaviour]
) -> Labelled:
    plan = plan_calls(suites)
    rows = {row.solution_id: row for row in behaviours}
    sampled = [s for s in solutions if s.origin == "sample" and s.solution_id in rows]
    gold_suite = next(suite for suite in suites if suite.origin == "gold")
    gold = rows[f"gold/{problem.problem_id}"]
    null = rows.get(f"null/{problem.problem_id}")
    own = [suite for suite in suites if suite.origin == "sample"]
    votes = problem_votes_of(problem.problem_id, [rows[s.solution_id] for s in sampled], own, null, plan)
    return Labelled(
        problem,
        votes,
        frozenset(s.solution_id for s in sampled if holds(rows[s.solution_id], gold_suite, plan)),
        tuple(judge(plan.outcome(gold, case), case) == "pass" for case in votes.cases),
        {s.solution_id: s.code.strip() for s in sampled},
        frozenset(s.solution_id for s in sampled if f"/{WARM.temperature}/" not in s.sample_id),
    )


def warm_votes(item: Labelled) -> ProblemVotes:
    """The samples at the usual temperature."""
    vectors = {i: vector for i, vector in item.votes.vectors.items() if i not in item.cool}
    return replace(item.votes, vectors=vectors)


def groups_of(item: Labelled) -> list[Group]:
    """The groups that ever return a value."""
    votes = warm_votes(item)
    return [group for group in ranked_groups(votes) if group.outputs] if votes.cases else []


def by_group(score: Callable[[Labelled, Group], float]) -> Rule:
    """The rule that keeps the group with the highest score; equal scores: more votes, then more cases."""

    def rule(item: Labelled) -> Pick | None:
        scored = [
            (score(item, group), len(group.members), len(group.satisfied), group) for group in groups_of(item)
        ]
        if not scored:
            return None
        best, *_, group = max(scored, key=lambda entry: entry[:3])
        return Pick(best, group.members, group.satisfied) if best > 0 else None

    return rule


def codet(item: Labelled) -> Pick | None:
    """CodeT (Chen et al. 2022, arXiv 2207.10397): solutions that pass the same cases are a consensus set; its
    score is its solutions x the cases they pass."""
    sets: dict[tuple[int, ...], list[str]] = {}
    for solution_id, vector in warm_votes(item).vectors.items():
        sets.setdefault(item.votes.satisfied(vector), []).append(solution_id)
    if not sets:
        return None
    passed, members = max(sets.items(), key=lambda entry: (len(entry[0]) * len(entry[1]), len(entry[1])))
    score = len(members) * len(passed)
    return Pick(score, tuple(members), passed) if score else None


def paper(item: Labelled) -> Pick | None:
    groups = groups_of(item)
    decision = decide_by_paper(item.votes, groups, AgreementSettings(rule="paper"))
    return Pick(1.0, decision.chosen, tuple(range(len(item.votes.cases)))) if decision.kept else None


def expected_values(item: Labelled, group: Group) -> int:
    return len({item.votes.wanted[index] for index in group.satisfied})


def typed_cases(item: Labelled, group: Group) -> int:
    """Satisfied cases that expect neither a boolean nor None (0 and 1 count as booleans: they are equal)."""
    return sum(item.votes.wanted[index] not in ("0", "1", "null") for index in group.satisfied)


def verbatim(item: Labelled, group: Group) -> int:
    return max(Counter(item.codes[member] for member in group.members).values())


def proposals(item: Labelled, group: Group) -> int:
    return sum(item.votes.proposals[index] for index in group.satisfied)


RULES: dict[str, Rule] = {
    "CodeT: solutions x cases": codet,
    "paper: all tests passed": paper,
    "before: sqrt(votes) x cases": by_group(lambda item, g: sqrt(len(g.members)) * len(g.satisfied)),
    "sqrt(votes) x cases of another type than bool": by_group(
        lambda item, g: sqrt(len(g.members)) * typed_cases(item, g)
    ),
    "sqrt(votes) x distinct expected values": by_group(
        lambda item, g: sqrt(len(g.members)) * expected_values(item, g)
    ),
    "sqrt(votes) x suites that propose a case": by_group(
        lambda item, g: sqrt(len(g.members)) * proposals(item, g)
    ),
    "votes": by_group(lambda item, g: len(g.members)),
    "votes - 1 of the most repeated program": by_group(lambda item, g: verbatim(item, g) - 1),
    "**(votes - 1) x log(1 + outputs)**": by_group(lambda item, g: g.score),
    "the same, where a case holds": by_group(lambda item, g: g.score * bool(g.satisfied)),
    "the same x log(1 + cases)": by_group(lambda item, g: g.score * log(1 + len(g.satisfied))),
    "the same, votes of the most repeated program": by_group(
        lambda item, g: (verbatim(item, g) - 1) * log(1 + g.outputs)
    ),
    "the same, both kinds of votes added": by_group(
        lambda item, g: (len(g.members) + verbatim(item, g) - 2) * log(1 + g.outputs)
    ),
}


def mixed(item: Labelled) -> Labelled:
    """As many samples as before, half of them the cooler ones."""
    cool = [i for i in item.votes.vectors if i in item.cool][: WARM.solutions // 2]
    warm = [i for i in item.votes.vectors if i not in item.cool][: WARM.solutions - len(cool)]
    vectors = {i: item.votes.vectors[i] for i in (*warm, *cool)}
    return replace(item, votes=replace(item.votes, vectors=vectors), cool=frozenset())
