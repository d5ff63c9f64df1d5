"""The rules of agreement: which of a problem's samples to believe. Pure: records in, decisions out.

Consensus (ours): a problem's samples are grouped by what they did on the union of all its suites' calls;
identical samples are votes. A group scores sqrt(votes) x the distinct (call, expected) pairs it satisfies.
The winner must be clear of every threshold in `AgreementSettings`, or the problem is dropped with a reason.
Paper (Sol-Ver, arXiv 2502.14948, section 3): a solution that passes all tests of its problem is chosen, one
that fails any is rejected.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

from tasks.judging import CallPlan, invalid_checks, judge, outcome_key, plan_calls
from tasks.records import Behaviour, Case, Decision, Solution, Suite
from tasks.settings import AgreementSettings
from tasks.suites import case_key
from tasks.tables import by_problem

UNOPPOSED = 1e9


@dataclass(frozen=True)
class Group:
    """Solutions of one problem that behave alike, and the indexes of the distinct cases they satisfy."""

    members: tuple[Behaviour, ...]
    satisfied: tuple[int, ...]
    errors_only: bool

    @property
    def score(self) -> float:
        return 0.0 if self.errors_only else sqrt(len(self.members)) * len(self.satisfied)


def distinct_cases(suites: Sequence[Suite], forbidden: set[str]) -> list[Case]:
    """The suites' cases, one of each (call, expected), without checks that test nothing."""
    seen: dict[Hashable, Case] = {}
    for case in (case for suite in suites for case in suite.cases):
        if case.call is None and case.check in forbidden:
            continue
        seen.setdefault(case_key(case), case)
    return list(seen.values())


def group_by_behaviour(behaviours: Sequence[Behaviour], cases: Sequence[Case], plan: CallPlan) -> list[Group]:
    """Groups of equal outcome vectors, best score first; equal scores by votes, then by first member."""
    vectors: dict[Hashable, list[Behaviour]] = {}
    for behaviour in behaviours:
        key = tuple(outcome_key(outcome) for outcome in (*behaviour.calls, *behaviour.checks))
        vectors.setdefault(key, []).append(behaviour)
    groups = []
    for members in vectors.values():
        first = members[0]
        passing = [
            index for index, case in enumerate(cases) if judge(plan.outcome(first, case), case) == "pass"
        ]
        ran = any(outcome.kind == "value" for outcome in (*first.calls, *first.checks))
        groups.append(Group(tuple(members), tuple(_one_per_call(passing, cases)), not ran))
    return sorted(groups, key=lambda group: (-group.score, -len(group.members), group.members[0].solution_id))


def _one_per_call(passing: Sequence[int], cases: Sequence[Case]) -> list[int]:
    """At most one satisfied case a call: `f(1) == 1` and `f(1) == True` are one agreement, not two."""
    first: dict[Hashable, int] = {}
    for index in passing:
        first.setdefault(cases[index].call or cases[index].check, index)
    return list(first.values())


def decide_by_consensus(
    problem_id: str,
    behaviours: Sequence[Behaviour],
    suites: Sequence[Suite],
    null: Behaviour | None,
    settings: AgreementSettings,
) -> Decision:
    """Agreement on one problem. `behaviours` are its samples' alone: no gold reaches this function."""
    plan = plan_calls(suites)
    cases = distinct_cases(suites, invalid_checks(null, plan))
    steady = [b for b in behaviours if not b.flaky and not _faulty(b)]
    if not steady or not cases:
        reason = "no solution that can be judged" if not steady else "no case that tests anything"
        return Decision(problem_id, False, reason, len(behaviours), 0, 0, 0.0, 0.0)
    groups = group_by_behaviour(steady, cases, plan)
    winner = groups[0]
    runner_up = groups[1].score if len(groups) > 1 else 0.0
    margin = winner.score / runner_up if runner_up else UNOPPOSED
    votes, agreed = len(winner.members), [cases[index] for index in winner.satisfied]
    expected = {case.expected or case.raises or case.check for case in agreed}
    enough_votes = max(settings.min_votes, settings.min_vote_share * len(steady))
    reasons = (
        (winner.errors_only, "every solution fails on every call"),
        (len(groups) < settings.min_behaviours, "all solutions behave alike: nothing to learn"),
        (votes < enough_votes, "too few votes"),
        (len(agreed) < settings.min_cases, "too few agreed cases"),
        (len(expected) < settings.min_expected_values, "agreed cases expect one value only"),
        (margin < settings.min_margin, "no margin over the runner-up"),
    )
    reason = next((text for failed, text in reasons if failed), "")
    return Decision(
        problem_id,
        kept=not reason,
        reason=reason,
        samples=len(behaviours),
        votes=votes,
        behaviours=len(groups),
        score=winner.score,
        margin=margin,
        confident=not reason and votes >= settings.pair_votes and margin >= settings.pair_margin,
        chosen=tuple(member.solution_id for member in winner.members),
        rejected=tuple(member.solution_id for group in groups[1:] for member in group.members),
        cases=tuple(agreed),
    )


def decide_by_paper(
    problem_id: str,
    behaviours: Sequence[Behaviour],
    suites: Sequence[Suite],
    null: Behaviour | None,
    settings: AgreementSettings,
) -> Decision:
    """The paper's rule: chosen passes every case of every suite of the problem."""
    plan = plan_calls(suites)
    cases = distinct_cases(suites, invalid_checks(null, plan))
    steady = [b for b in behaviours if not b.flaky and not _faulty(b)]
    chosen: list[str] = []
    rejected: list[str] = []
    for behaviour in steady:
        passes = all(judge(plan.outcome(behaviour, case), case) == "pass" for case in cases)
        (chosen if passes and cases else rejected).append(behaviour.solution_id)
    reason = (
        "no case that tests anything" if not cases else "no solution passes all tests" if not chosen else ""
    )
    return Decision(
        problem_id,
        kept=not reason,
        reason=reason,
        samples=len(behaviours),
        votes=len(chosen),
        behaviours=2 if chosen and rejected else 1,
        score=float(len(cases)) if chosen else 0.0,
        margin=UNOPPOSED if chosen else 0.0,
        confident=not reason,
        chosen=tuple(chosen),
        rejected=tuple(rejected),
        cases=tuple(cases) if chosen else (),
    )


def _faulty(behaviour: Behaviour) -> bool:
    return any(outcome.kind == "fault" for outcome in (*behaviour.calls, *behaviour.checks))


RULES = {"consensus": decide_by_consensus, "paper": decide_by_paper}


def decide_all(
    problem_ids: Sequence[str],
    solutions: Sequence[Solution],
    suites: Sequence[Suite],
    behaviours: Sequence[Behaviour],
    settings: AgreementSettings,
) -> list[Decision]:
    """One decision a problem. Gold is hidden here: only what was sampled takes part."""
    sampled = {solution.solution_id for solution in solutions if solution.origin == "sample"}
    behaviours_of = by_problem(behaviours)
    suites_of = by_problem(suites)
    decisions = []
    for problem_id in problem_ids:
        plan_suites = suites_of.get(problem_id, [])
        own = [suite for suite in plan_suites if suite.origin == "sample"]
        rows = [
            restrict(b, plan_calls(plan_suites), plan_calls(own)) for b in behaviours_of.get(problem_id, [])
        ]
        null = next((b for b in rows if b.solution_id == f"null/{problem_id}"), None)
        samples = [b for b in rows if b.solution_id in sampled]
        decisions.append(RULES[settings.rule](problem_id, samples, own, null, settings))
    return decisions


def restrict(behaviour: Behaviour, plan: CallPlan, part: CallPlan) -> Behaviour:
    """A behaviour over `plan` seen through the smaller plan `part`."""
    return Behaviour(
        behaviour.solution_id,
        behaviour.problem_id,
        tuple(behaviour.calls[plan.call_index[call]] for call in part.calls),
        tuple(behaviour.checks[plan.check_index[check]] for check in part.checks),
        behaviour.flaky,
    )
