"""Outputs that are one behaviour though they are not equal: what agreement compares in place of the
outputs.

Where a problem's comparison has a normal form, an output is that form. Where it is a relation (a checker,
or a tolerance), two outputs of one call are *one behaviour* if each is right with the other as its
reference. That relation is symmetric but need not be transitive, so groups are made of it call by call:
outputs in the order of the number of solutions that gave them, each joining the first set all of whose
members are one behaviour with it. No output is in a set with one that it is not one behaviour with, so a
wrong answer cannot come in through a chain of others; and since the sets of a call share no output,
solutions that are in one set on every call are one group, transitively. An expected value is an output that
nobody gave: a case holds for the set it falls into. An output that the checker does not take even as its
own reference is none: it counts as an exception."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from tasks.core import values
from tasks.core.records import Behaviour, Call, Case, Outcome, Suite
from tasks.execution.asked import AskedSuite
from tasks.execution.asked_problems import AskedProblem
from tasks.execution.checkers import Answers, Question, can_be_asked, is_checked, takes
from tasks.execution.comparison import Equality, Form, unchanged
from tasks.execution.verdicts import plan_calls

REFUSED = Outcome("exception", exception="RefusedByChecker", detail="the checker takes it for wrong")
Same = Callable[[Call, str, str], bool]


def outputs_by_call(behaviours: Sequence[Behaviour], suites: Sequence[Suite]) -> dict[Call, list[str]]:
    """The distinct encoded outputs of each call, those of most solutions first, expected values last."""
    plan = plan_calls(suites)
    given: dict[Call, Counter[str]] = {call: Counter() for call in plan.calls}
    for behaviour in behaviours:
        for call, outcome in zip(plan.calls, behaviour.calls, strict=True):
            if outcome.kind == "value" and can_be_asked(outcome.value):
                given[call][outcome.value] += 1
    for suite in suites:
        for case in suite.cases:
            if case.call is not None and is_checked(case):
                given[case.call].setdefault(case.expected, 0)
    return {call: sorted(counts, key=lambda one: (-counts[one], one)) for call, counts in given.items()}


def questions_of(behaviours: Sequence[Behaviour], suites: Sequence[Suite], most: int) -> list[Question]:
    """What a checker has to be asked about the first `most` outputs of each call: each against each."""
    return [
        Question(call.arguments, output, reference)
        for call, found in outputs_by_call(behaviours, suites).items()
        for output in found[:most]
        for reference in found[:most]
    ]


def leaders(outputs: Sequence[str], one_behaviour: Callable[[str, str], bool]) -> dict[str, str]:
    """For each output the first member of its set."""
    sets: list[list[str]] = []
    found = {}
    for output in outputs:
        home = next((one for one in sets if all(one_behaviour(output, other) for other in one)), None)
        if home is None:
            sets.append(home := [])
        home.append(output)
        found[output] = home[0]
    return found


def compared_form(
    problem: AskedProblem,
    behaviours: Sequence[Behaviour],
    asked: Sequence[AskedSuite],
    answers: Answers,
    most: int,
) -> tuple[list[Behaviour], list[Suite]]:
    """One problem's behaviours and suites, with outputs rewritten so that equal ones are one behaviour.

    `answers` are those to `questions_of` the behaviours, empty for a problem without checker.
    """
    suites = [suite.suite for suite in asked]
    if problem.checker:
        return _by_sets(behaviours, suites, _taken(answers), most, refuses=True)
    is_data, from_json = bool(problem.entry_point), any(suite.from_json for suite in asked)
    form = problem.comparison.form(is_data, from_json)
    if form is unchanged:
        return list(behaviours), suites
    if form is not None:
        return _by_form(behaviours, suites, form)
    return _by_sets(behaviours, suites, _related(problem.comparison.equality(is_data, from_json)), most)


def _taken(answers: Answers) -> Same:
    def same(call: Call, one: str, other: str) -> bool:
        pairs = ((one, other), (other, one))
        return all(takes(answers.get(Question(call.arguments, *pair))) for pair in pairs)

    return same


def _related(equality: Equality) -> Same:
    def same(call: Call, one: str, other: str) -> bool:
        left, right = values.decode(one), values.decode(other)
        return equality(left, right) and equality(right, left)

    return same


def _by_sets(
    behaviours: Sequence[Behaviour], suites: Sequence[Suite], same: Same, most: int, refuses: bool = False
) -> tuple[list[Behaviour], list[Suite]]:
    """`refuses`: an output that is not one behaviour with itself is none."""
    homes: dict[Call, dict[str, str]] = {}
    for call, outputs in outputs_by_call(behaviours, suites).items():
        asked = [one for one in outputs[:most] if not refuses or same(call, one, one)]
        homes[call] = leaders(asked, lambda one, other: same(call, one, other))  # noqa: B023
        # What was not asked about stays by itself.
        homes[call].update((one, one) for one in outputs[most:])

    def outcome(call: Call, row: Outcome) -> Outcome:
        if row.kind != "value" or not can_be_asked(row.value):
            return row
        home = homes[call].get(row.value)
        return REFUSED if home is None else replace(row, value=home)

    def case(row: Case) -> Case:
        if row.call is None or not is_checked(row):
            return row
        return replace(row, expected=homes[row.call].get(row.expected, row.expected))

    calls = plan_calls(suites).calls
    return (
        [replace(row, calls=tuple(map(outcome, calls, row.calls))) for row in behaviours],
        [replace(suite, cases=tuple(map(case, suite.cases))) for suite in suites],
    )


def _by_form(
    behaviours: Sequence[Behaviour], suites: Sequence[Suite], form: Form
) -> tuple[list[Behaviour], list[Suite]]:
    @cache
    def text(encoded: str) -> str:
        try:
            return values.encode(form(values.decode(encoded)))
        except values.ValueFormatError:
            return encoded

    def outcome(row: Outcome) -> Outcome:
        return replace(row, value=text(row.value)) if row.kind == "value" else row

    def case(row: Case) -> Case:
        return replace(row, expected=text(row.expected)) if row.expected and not row.rule else row

    return (
        [replace(row, calls=tuple(map(outcome, row.calls))) for row in behaviours],
        [replace(suite, cases=tuple(map(case, suite.cases))) for suite in suites],
    )
