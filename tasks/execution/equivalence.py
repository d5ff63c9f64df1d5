"""Outputs that are one behaviour though they are not equal: what agreement compares instead of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from tasks.core import values
from tasks.core.records import Behaviour, Case, Outcome, Suite
from tasks.execution.asked import AskedSuite
from tasks.execution.comparison import json_equal, listed, same_output, stripped


def compared_form(
    behaviours: Sequence[Behaviour], asked: Sequence[AskedSuite]
) -> tuple[list[Behaviour], list[Suite]]:
    """One problem's behaviours and suites, with values rewritten so that `==` means what the suites' own
    comparison rules mean: stdout without the whitespace that does not count, tuples as lists.
    """
    rules = {suite.equality for suite in asked}
    form = stripped if same_output in rules else listed if json_equal in rules else None
    suites = [suite.suite for suite in asked]
    if form is None:
        return list(behaviours), suites

    @cache
    def text(encoded: str) -> str:
        try:
            return values.encode(form(values.decode(encoded)))
        except values.ValueFormatError:
            return encoded

    def outcome(row: Outcome) -> Outcome:
        return replace(row, value=text(row.value)) if row.kind == "value" else row

    def case(row: Case) -> Case:
        return replace(row, expected=text(row.expected)) if row.expected else row

    return (
        [replace(row, calls=tuple(map(outcome, row.calls))) for row in behaviours],
        [replace(suite, cases=tuple(map(case, suite.cases))) for suite in suites],
    )
