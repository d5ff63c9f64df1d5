"""The rules of agreement: which of a problem's samples to believe. Pure: records in, decisions out.

Consensus (ours): a problem's samples are grouped by what they did on the union of all its suites' calls;
identical samples are votes. A group scores (votes - 1) x log(1 + distinct values it returns): every further
vote is evidence, and the more the less likely it is to agree by accident, as wrong programs do on constants.
The cases that the winner satisfies do not choose it: a weak verifier's cases are wrong more often than right,
and wrong code satisfies them (benchmarks/agreement_study.md). The winner must be clear of every
threshold in `AgreementSettings`, or the problem is dropped with a reason. Once the champion is no longer the
base model, some of the samples are the base's (the reference model's) and the winner needs votes of theirs:
training on its own votes taught the champion to vote alike, right or wrong (benchmarks/reference_study.md).
Paper (Sol-Ver, arXiv 2502.14948, section 3): a solution that passes all tests of its problem is chosen, one
that fails any is rejected.

Both read a `ProblemVotes`, where outcomes and what cases want are texts: a solution satisfies a case iff the
two match (`verdicts.key_passes`). Calls, cases and groups stand in an order of their own, so nothing depends
on the order or the names of solutions and suites.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from math import log
from operator import eq, itemgetter

from tasks.core.records import CONDITION, TRUTH, Behaviour, Call, Case, Decision, Solution, Suite
from tasks.core.tables import by_problem
from tasks.execution.verdicts import (
    OPAQUE_KEY,
    VALUE_KEYS,
    CallPlan,
    invalid_checks,
    judge,
    key_passes,
    outcome_key,
    plan_calls,
    wanted_key,
)
from tasks.settings.agreement import AgreementSettings

# Of agreement and of the rows made from it: raised when other code makes other ones of the same samples, so
# that the samples of earlier iterations are judged again.
FILTER_VERSION = 13
UNOPPOSED = 1e9
CHECKS_ALONE = "no test is a plain call: there are no values to vote with"
NO_DATA = "what the solutions return is no plain data"
FLAKY = "its outcomes vary between equal runs"
FAULTY = "the sandbox broke while it ran"
HIDDEN = "a test came to what only its own process can see"
REFERENCE_DIFFERS = "the base model does otherwise"
SILENT = "the base model wrote nothing that ran"
# A check or a condition that passed is no value that a program returned.
_PASSED, _UNMET = "?passed", "?unmet"


@dataclass(frozen=True)
class ProblemVotes:
    """One problem's samples, ready to be compared.

    `vectors` has the outcome keys of every solution that can be judged, one a distinct call, then one a
    check, then one a condition that a case asks of a call's value; `set_aside` gives the reason for every
    other solution. Case i of the distinct `cases` is satisfied by the vectors that match `wanted[i]` at
    `places[i]`; `proposals[i]` suites propose it. `reference_solutions` are the base model's solutions, where
    another model is champion and the base was asked; else None.
    """

    problem_id: str
    vectors: dict[str, tuple[str, ...]]
    set_aside: dict[str, str]
    cases: tuple[Case, ...]
    places: tuple[int, ...]
    wanted: tuple[str, ...]
    proposals: tuple[int, ...]
    reference_solutions: frozenset[str] | None = None

    @cached_property
    def select_outcomes(self) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
        """Vector -> its outcomes at `places`. Only where there are cases."""
        # `itemgetter` of one place alone would give the outcome itself.
        first = self.places[0]
        return itemgetter(*self.places) if len(self.places) > 1 else itemgetter(slice(first, first + 1))

    @cached_property
    def inexact_cases(self) -> tuple[int, ...]:
        """The cases that want an exception, or any true value: other keys than the wanted one may do."""
        return tuple([case for case, wanted in enumerate(self.wanted) if wanted[:1] in ("!", "~")])

    def satisfied(self, vector: tuple[str, ...]) -> tuple[int, ...]:
        """The cases that a solution with this vector passes: at most one a call, and one of its truth."""
        passed = tuple(compress(range(len(self.wanted)), map(eq, self.select_outcomes(vector), self.wanted)))
        caught = [
            case for case in self.inexact_cases if key_passes(vector[self.places[case]], self.wanted[case])
        ]
        if not caught:
            return passed
        first: dict[tuple[int, bool], int] = {}
        for case in sorted({*passed, *caught}):
            first.setdefault((self.places[case], self.wanted[case][:1] == "~"), case)
        return tuple(first.values())


@dataclass(frozen=True)
class Group:
    """Solutions of one problem that behave alike, and the indexes of the distinct cases they satisfy."""

    members: tuple[str, ...]
    vector: tuple[str, ...]
    satisfied: tuple[int, ...]

    @cached_property
    def outputs(self) -> int:
        """How many distinct values it returns over all calls; 0: it fails on every one."""
        return len([key for key in set(self.vector) if key[0] not in "!?" and OPAQUE_KEY not in key])

    @cached_property
    def votes(self) -> int:
        """Its members; one if they return what is no plain data: two iterators may yield anything."""
        return 1 if OPAQUE_KEY in "\n".join(self.vector) else len(self.members)

    @property
    def score(self) -> float:
        return (self.votes - 1) * log(1 + self.outputs)


def problem_votes_of(
    problem_id: str,
    behaviours: Sequence[Behaviour],
    suites: Sequence[Suite],
    null: Behaviour | None = None,
    plan: CallPlan | None = None,
    reference_solutions: Collection[str] | None = None,
) -> ProblemVotes:
    """The votes on one problem. `behaviours` and `null` lie over `plan`, `suites` may be a part of it."""
    plan = plan or plan_calls(suites)
    invalid = invalid_checks(null, plan)
    # Indexes of calls come first, then those of checks, then those of conditions.
    first_check, first_condition = len(plan.calls), len(plan.calls) + len(plan.checks)
    conditions: dict[tuple[int, str], int] = {}
    proposed: dict[tuple[int, str], list[Case]] = {}
    for suite in suites:
        pairs: dict[tuple[int, str], Case] = {}
        for case in suite.cases:
            if case.call is None:
                if case.check not in invalid:
                    pairs.setdefault((first_check + plan.check_index[case.check], _PASSED), case)
            elif case.rule == CONDITION:
                condition = (plan.call_index[case.call], case.expected)
                index = conditions.setdefault(condition, first_condition + len(conditions))
                pairs.setdefault((index, _PASSED), case)
            else:
                pairs.setdefault((plan.call_index[case.call], wanted_key(case)), case)
        for pair, case in pairs.items():
            proposed.setdefault(pair, []).append(case)
    asked = {index for index, _ in proposed}.union(call for call, _ in conditions)
    calls = sorted(
        (index for index in asked if index < first_check),
        key=lambda index: (plan.calls[index].function, plan.calls[index].arguments),
    )
    checks = sorted(
        (index - first_check for index in asked if first_check <= index < first_condition),
        key=plan.checks.__getitem__,
    )
    after = dict(zip(calls, range(len(calls)), strict=True))
    ruled = sorted(conditions, key=lambda condition: (after[condition[0]], condition[1]))
    order = [*calls, *(first_check + check for check in checks), *map(conditions.__getitem__, ruled)]
    place_of = {index: place for place, index in enumerate(order)}
    ordered = sorted((place_of[index], wanted, cases) for (index, wanted), cases in proposed.items())
    asking = [(call, proposed[conditions[call, text], _PASSED][0]) for call, text in ruled]
    vectors: dict[str, tuple[str, ...]] = {}
    set_aside: dict[str, str] = {}
    for behaviour in behaviours:
        vector = [
            VALUE_KEYS[outcome.value] if outcome.kind == "value" else outcome_key(outcome)
            for outcome in map(behaviour.calls.__getitem__, calls)
        ]
        for outcome in map(behaviour.checks.__getitem__, checks):
            vector.append(_PASSED if outcome.kind == "value" else outcome_key(outcome))
        for call, case in asking:
            vector.append(_PASSED if judge(behaviour.calls[call], case) == "pass" else _UNMET)
        if behaviour.flaky or "?fault" in vector:
            set_aside[behaviour.solution_id] = FLAKY if behaviour.flaky else FAULTY
        elif "?boundary" in vector:
            # Neither right nor wrong, as far as anyone saw.
            set_aside[behaviour.solution_id] = HIDDEN
        else:
            vectors[behaviour.solution_id] = tuple(vector)
    return ProblemVotes(
        problem_id,
        vectors,
        set_aside,
        cases=tuple([cases[0] for _, _, cases in ordered]),
        places=tuple([place for place, _, _ in ordered]),
        wanted=tuple([wanted for _, wanted, _ in ordered]),
        proposals=tuple([len(cases) for _, _, cases in ordered]),
        reference_solutions=None if reference_solutions is None else frozenset(reference_solutions),
    )


def ranked_groups(problem_votes: ProblemVotes) -> list[Group]:
    """Groups of equal vectors: best score first; then those that return values, by votes and cases."""
    members: dict[tuple[str, ...], list[str]] = {}
    for solution_id, vector in problem_votes.vectors.items():
        members.setdefault(vector, []).append(solution_id)
    groups = [Group(tuple(ids), vector, problem_votes.satisfied(vector)) for vector, ids in members.items()]
    return sorted(
        groups,
        key=lambda group: (
            -group.score, not group.outputs, -group.votes, -len(group.satisfied), group.vector
        ),
    )  # fmt: skip


def decide_by_consensus(
    problem_votes: ProblemVotes, groups: Sequence[Group], settings: AgreementSettings
) -> Decision:
    """The first group wins if it is clear of every threshold."""
    winner = groups[0]
    runner_up = groups[1].score if len(groups) > 1 else 0.0
    margin = winner.score / runner_up if runner_up else UNOPPOSED if winner.score else 1.0
    votes, agreed = winner.votes, [problem_votes.cases[index] for index in winner.satisfied]
    expected = {case.check or wanted_key(case) for case in agreed}
    enough_votes = max(settings.min_votes, settings.min_vote_share * len(problem_votes.vectors))
    enough_score = settings.min_score_share * (len(problem_votes.vectors) - 1)
    reference_votes = (problem_votes.reference_solutions or frozenset()) & problem_votes.vectors.keys()
    reference_agreeing = len(reference_votes.intersection(winner.members))
    enough_reference = (
        0
        if problem_votes.reference_solutions is None
        else max(1, settings.min_reference_share * len(reference_votes))
    )
    reasons = (
        (all(case.call is None for case in problem_votes.cases), CHECKS_ALONE),
        (not winner.outputs and OPAQUE_KEY in "\n".join(winner.vector), NO_DATA),
        (not winner.outputs and _PASSED not in winner.vector, "every solution fails on every call"),
        (len(groups) < settings.min_behaviours, "all solutions behave alike: nothing to learn"),
        (votes < enough_votes, "too few votes"),
        (
            reference_agreeing < enough_reference,
            REFERENCE_DIFFERS if reference_votes else SILENT,
        ),
        (len(agreed) < settings.min_cases, "too few agreed cases"),
        (winner.outputs < settings.min_outputs, "the winners return one value only"),
        (winner.score < enough_score, "too low a score"),
        (len(expected) < settings.min_expected_values, "agreed cases expect one value only"),
        (margin < settings.min_margin, "no margin over the runner-up"),
    )
    reason = next((text for failed, text in reasons if failed), "")
    return Decision(
        problem_votes.problem_id,
        kept=not reason,
        reason=reason,
        samples=len(problem_votes.vectors) + len(problem_votes.set_aside),
        votes=votes,
        behaviours=len(groups),
        score=winner.score,
        margin=margin,
        confident=not reason and votes >= settings.pair_votes and margin >= settings.pair_margin,
        chosen=winner.members,
        rejected=tuple(solution_id for group in groups[1:] for solution_id in group.members),
        cases=tuple(agreed),
        reference_agreeing=reference_agreeing,
    )


def decide_by_paper(
    problem_votes: ProblemVotes, groups: Sequence[Group], settings: AgreementSettings
) -> Decision:
    """The paper's rule: chosen passes every case of every suite of the problem."""

    def passes_all(group: Group) -> bool:
        asked = zip(problem_votes.places, problem_votes.wanted, strict=True)
        return all(key_passes(group.vector[place], wanted) for place, wanted in asked)

    chosen = [i for group in groups if passes_all(group) for i in group.members]
    rejected = [i for group in groups if not passes_all(group) for i in group.members]
    return Decision(
        problem_votes.problem_id,
        kept=bool(chosen),
        reason="" if chosen else "no solution passes all tests",
        samples=len(problem_votes.vectors) + len(problem_votes.set_aside),
        votes=len(chosen),
        behaviours=len(groups),
        score=float(len(problem_votes.cases)) if chosen else 0.0,
        margin=UNOPPOSED if chosen else 0.0,
        confident=bool(chosen),
        chosen=tuple(chosen),
        rejected=tuple(rejected),
        cases=problem_votes.cases if chosen else (),
    )


RULES = {"consensus": decide_by_consensus, "paper": decide_by_paper}


def decide(problem_votes: ProblemVotes, settings: AgreementSettings) -> Decision:
    """The configured rule's decision on one problem."""
    if not problem_votes.vectors or not problem_votes.cases:
        reason = "no solution that can be judged" if problem_votes.cases else "no case that tests anything"
        samples = len(problem_votes.vectors) + len(problem_votes.set_aside)
        return Decision(
            problem_votes.problem_id, kept=False, reason=reason, samples=samples,
            votes=0, behaviours=0, score=0.0, margin=0.0,
        )  # fmt: skip
    return RULES[settings.rule](problem_votes, ranked_groups(problem_votes), settings)


def votes_by_problem(
    problem_ids: Sequence[str],
    solutions: Sequence[Solution],
    suites: Sequence[Suite],
    behaviours: Sequence[Behaviour],
    with_reference: bool,
) -> Iterator[ProblemVotes]:
    """The votes on each problem. Gold is hidden here: only what was sampled takes part.

    `with_reference`: the base model was asked, also where nothing that it wrote could be parsed.
    """
    sampled = {solution.solution_id for solution in solutions if solution.origin == "sample"}
    references_of = by_problem([solution for solution in solutions if solution.of_reference])
    behaviours_of, suites_of = by_problem(behaviours), by_problem(suites)
    for problem_id in problem_ids:
        executed, rows = suites_of.get(problem_id, []), behaviours_of.get(problem_id, [])
        yield problem_votes_of(
            problem_id,
            [row for row in rows if row.solution_id in sampled],
            [suite for suite in executed if suite.origin == "sample"],
            next((row for row in rows if row.solution_id == f"null/{problem_id}"), None),
            plan_calls(executed),
            [one.solution_id for one in references_of.get(problem_id, ())] if with_reference else None,
        )


def decide_all(
    problem_ids: Sequence[str],
    solutions: Sequence[Solution],
    suites: Sequence[Suite],
    behaviours: Sequence[Behaviour],
    settings: AgreementSettings,
    with_reference: bool = False,
) -> list[Decision]:
    """One decision a problem, from its samples alone."""
    voted = votes_by_problem(problem_ids, solutions, suites, behaviours, with_reference)
    return [decide(problem_votes, settings) for problem_votes in voted]


def disputed(iterations: Sequence[Sequence[Decision]]) -> set[str]:
    """The problems of which two iterations' winners want different things of one call: one of them is
    wrong."""
    wanted: dict[tuple[str, Call], str] = {}
    found: set[str] = set()
    for decision in (decision for decisions in iterations for decision in decisions if decision.kept):
        for case in decision.cases:
            if case.call is not None and case.rule not in (CONDITION, TRUTH):
                key = wanted_key(case)
                if wanted.setdefault((decision.problem_id, case.call), key) != key:
                    found.add(decision.problem_id)
    return found
