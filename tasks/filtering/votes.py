"""A problem's samples as votes: who did what on the union of the problem's calls, and who did the same.

What outcomes are and what cases want are texts here: a solution satisfies a case iff the two match
(`verdicts.key_passes`). Calls, cases and groups stand in an order of their own, so nothing depends on the
order or the names of solutions and suites. Pure: records in, votes out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from math import log
from operator import eq, itemgetter

from tasks.core.records import CONDITION, Behaviour, Case, Suite
from tasks.execution.problem_data import ProblemData
from tasks.execution.verdicts import (
    OPAQUE_KEY,
    VALUE_KEYS,
    CallPlan,
    judge,
    key_passes,
    outcome_key,
    plan_calls,
    untold_checks,
    wanted_key,
)

FLAKY = "its outcomes vary between equal runs"
FAULTY = "the sandbox broke while it ran"
HIDDEN = "a test came to what only its own process can see"
# A check or a condition that passed is no value that a program returned.
PASSED, _UNMET = "?passed", "?unmet"


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
    own_word: bool = False,
) -> ProblemVotes:
    """The votes on one problem. `behaviours` and `null` lie over `plan`, `suites` may be a part of it.
    `own_word`: checks vote too that a solution passes by the word of its own classes."""
    plan = plan or plan_calls(suites)
    invalid = untold_checks(null, behaviours, plan, own_word)
    # Indexes of calls come first, then those of checks, then those of conditions.
    first_check, first_condition = len(plan.calls), len(plan.calls) + len(plan.checks)
    conditions: dict[tuple[int, str], int] = {}
    proposed: dict[tuple[int, str], list[Case]] = {}
    for suite in suites:
        pairs: dict[tuple[int, str], Case] = {}
        for case in suite.cases:
            if case.call is None:
                if case.check not in invalid:
                    pairs.setdefault((first_check + plan.check_index[case.check], PASSED), case)
            elif case.rule == CONDITION:
                condition = (plan.call_index[case.call], case.expected)
                index = conditions.setdefault(condition, first_condition + len(conditions))
                pairs.setdefault((index, PASSED), case)
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
    asking = [(call, proposed[conditions[call, text], PASSED][0]) for call, text in ruled]
    vectors: dict[str, tuple[str, ...]] = {}
    set_aside: dict[str, str] = {}
    for behaviour in behaviours:
        vector = [
            VALUE_KEYS[outcome.value] if outcome.kind == "value" else outcome_key(outcome)
            for outcome in map(behaviour.calls.__getitem__, calls)
        ]
        for outcome in map(behaviour.checks.__getitem__, checks):
            vector.append(PASSED if outcome.kind == "value" else outcome_key(outcome))
        for call, case in asking:
            vector.append(PASSED if judge(behaviour.calls[call], case) == "pass" else _UNMET)
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


def votes_by_problem(
    problems: Iterable[ProblemData], with_reference: bool, own_word: bool = False
) -> Iterator[ProblemVotes]:
    """The votes on each problem. Gold is hidden here: only what was sampled takes part.

    `with_reference`: the base model was asked, also where nothing that it wrote could be parsed. `own_word`:
    as `problem_votes_of` has it.
    """
    for data in problems:
        sampled = {solution.solution_id for solution in data.sampled_solutions}
        references = [one.solution_id for one in data.solutions if one.of_reference]
        yield problem_votes_of(
            data.problem_id,
            [row for row in data.behaviours if row.solution_id in sampled],
            data.sampled_suites,
            data.null,
            data.plan,
            references if with_reference else None,
            own_word,
        )
