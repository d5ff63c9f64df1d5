"""Calls that came to objects of a solution, asked again as checks: a test can look at objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tasks.core import values
from tasks.core.records import Behaviour, Call, Case, Suite
from tasks.core.tables import by_problem
from tasks.execution.asked import AskedSuite
from tasks.execution.verdicts import OPAQUE_KEY, plan_calls


def calls_with_objects(
    behaviours: Sequence[Behaviour], suites: Mapping[str, Sequence[Suite]]
) -> dict[str, frozenset[Call]]:
    """By problem, the calls whose values some solution's objects are part of; problems without are left
    out. `suites` are all that the behaviours lie over."""
    found = {}
    for problem_id, rows in by_problem(behaviours).items():
        calls = plan_calls(suites[problem_id]).calls
        objects = frozenset(
            call
            for row in rows
            if not row.solution_id.startswith("null/")
            for call, outcome in zip(calls, row.calls, strict=True)
            if outcome.kind == "value" and OPAQUE_KEY in outcome.value
        )
        if objects:
            found[problem_id] = objects
    return found


def as_checks(asked: AskedSuite, calls: Collection[Call]) -> AskedSuite:
    """The suite with its tests of these calls as checks, in the words that they were read from. Data, and
    what is compared by another rule than `==`, stays what it is."""
    if asked.from_json or asked.equality is not values.equal:
        return asked
    entries = tuple(
        Case(source=entry.source, check=entry.source)
        if isinstance(entry, Case) and entry.call in calls and entry.source
        else entry
        for entry in asked.entries
    )
    if entries == asked.entries:
        return asked
    cases = tuple(entry for entry in entries if isinstance(entry, Case))
    return replace(asked, suite=replace(asked.suite, cases=cases), entries=entries)
