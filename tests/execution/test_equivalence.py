"""What agreement compares in place of outputs: forms, and sets of outputs that are one behaviour."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.records import Behaviour, Outcome
from tasks.core.values import decode, encode
from tasks.execution.asked import suite_of
from tasks.execution.asked_problems import problem_of
from tasks.execution.equivalence import compared_form
from tasks.execution.lines import SuiteLine
from tasks.settings.judging import JudgingSettings

MOST = 8


def compared(how: dict[str, Any], outputs: list[Any], expected: Any) -> tuple[list[Any], Any]:
    """The outputs of solutions on one call, and the expected value, as they are compared."""
    problem = problem_of({"problem_id": "p", "entry_point": "f", **how}, "here", JudgingSettings())
    asked = suite_of(
        SuiteLine(problem_id="p", suite_id="t", cases=[{"args": [1], "expected": expected}]), problem
    )
    rows = [
        Behaviour(str(place), "p", (Outcome("value", encode(output)),), ())
        for place, output in enumerate(outputs)
    ]
    behaviours, (suite,) = compared_form(problem, rows, [asked], {}, MOST)
    return [decode(row.calls[0].value) for row in behaviours], decode(suite.cases[0].expected)


def test_close_floats_are_one_and_a_chain_brings_nothing_in() -> None:
    how = {"compare": "float", "tolerance": 0.1}
    # 1.0 and 1.08 are close, 1.08 and 1.16 too, 1.0 and 1.16 are not: those of most solutions decide.
    assert compared(how, [1.0, 1.0, 1.08, 1.16], 1.01) == ([1.0, 1.0, 1.0, 1.16], 1.0)
    assert compared(how, [1.08, 1.08, 1.0, 1.16], 5.0) == ([1.08, 1.08, 1.08, 1.16], 5.0)


@given(st.lists(st.integers(0, 30).map(lambda n: n / 10), min_size=1, max_size=MOST), st.integers(0, 30))
def test_no_two_outputs_of_a_set_are_apart(outputs: list[float], expected: int) -> None:
    found, wanted = compared({"compare": "float", "tolerance": 0.15}, outputs, expected / 10)
    pairs = [*zip([*outputs, expected / 10], [*found, wanted], strict=True)]
    for one, home in pairs:
        for other, place in pairs:
            assert home != place or abs(one - other) <= 0.15 * max(1, min(one, other)) + 1e-9
        assert abs(one - home) <= 0.15 * max(1, one, home)


def test_forms_stand_for_outputs() -> None:
    assert compared({}, [(1, 2), [1, 2]], [1, 2]) == ([[1, 2], [1, 2]], [1, 2])
    assert compared({"any_order": True}, [[2, 1], (1, 2), [1, 1]], [1, 2]) == (
        [[1, 2], [1, 2], [1, 1]],
        [1, 2],
    )
    assert compared({"compare": "wrapped"}, [5, 5], [5]) == ([5, 5], [5])


def test_outputs_beyond_the_bound_stay_by_themselves() -> None:
    outputs = [1 + n / 1000 for n in range(2 * MOST)]
    found, _ = compared({"compare": "float", "tolerance": 0.5}, outputs, 1.0)
    assert len({*found}) == 1 + len(outputs) - MOST
