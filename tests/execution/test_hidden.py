"""Whether a case that did not pass was seen to fail, or something stayed out of sight."""

from __future__ import annotations

import pytest

from sandbox_image.iterators import MAX_ITEMS, MORE, Iterated
from tasks.core.records import CONDITION, TRUTH, Case, Outcome
from tasks.core.values import encode
from tasks.execution.hidden import hidden
from tasks.execution.verdicts import TOO_LARGE, UNSTABLE
from tasks.testcode.suites import make_call, read_case

POINT = '{"o":"Point"}'
CALL = make_call("f", [1])


def equal_to(expected: object) -> Case:
    return Case("", CALL, expected=encode(expected))


@pytest.mark.parametrize(
    ("value", "expected", "is_hidden"),
    [
        (POINT, 3, True),
        (f"[1,{POINT}]", [1, 2], True),
        (f"[1,{POINT}]", [1, 2, 3], False),
        (f"[5,{POINT}]", [1, 2], False),
        (f'{{"t":[1,{POINT}]}}', [1, 2], False),
        (f'{{"d":[["a",{POINT}]]}}', {"a": 1}, True),
        (f'{{"d":[["a",{POINT}]]}}', {"b": 1}, False),
        (f'{{"s":[{POINT},1]}}', {1, 2}, True),
        (f'{{"s":[{POINT},1]}}', {2, 3}, False),
        ('{"o":"function"}', 3, False),
        ('{"o":"object"}', 3, False),
        ("4", 3, False),
    ],
)
def test_an_object_may_equal_what_is_expected_where_all_else_does(
    value: str, expected: object, is_hidden: bool
) -> None:
    told = hidden(Outcome("value", value), equal_to(expected))
    assert told == (
        "an object of type Point stays in the solution's process, where no test can look at it"
        if is_hidden
        else ""
    )


@pytest.mark.parametrize(
    ("source", "value", "is_hidden"),
    [
        ("assert f(1).x == 2", POINT, True),
        ("assert len(f(1)) == 2", f"[{POINT}]", False),
        ("assert f(1)[0] == 2", f"[{POINT}]", True),
        ("assert len(f(1)) > 3 and f(1)[0] == 2", f"[{POINT}]", False),
        ("assert f(1)", POINT, True),
        ("assert not f(1)", f"[{POINT}]", False),
    ],
)
def test_a_condition_is_hidden_where_it_looks_at_an_object(source: str, value: str, is_hidden: bool) -> None:
    case = read_case(source, "f")
    assert isinstance(case, Case)
    if case.rule in (CONDITION, TRUTH):
        assert bool(hidden(Outcome("value", value), case)) is is_hidden
    else:
        # Of two calls nothing is told here: it runs beside the solution.
        assert case.check


def test_other_boundaries_are_named() -> None:
    case = equal_to(3)
    assert hidden(Outcome("boundary", detail="why"), case) == "why"
    assert "sandbox.output_kb" in hidden(Outcome("output_limit", detail=TOO_LARGE), case)
    assert hidden(Outcome("output_limit", detail="stdout"), case) == ""
    endless = encode(Iterated("generator", [0], (MORE,)))
    told = hidden(Outcome("value", endless), case)
    assert told == f"of an iterator {MAX_ITEMS} items leave the solution's process"


def test_values_by_turns_fail_where_each_of_them_does() -> None:
    case = equal_to(3)
    for cause, detail in UNSTABLE.items():
        some = Outcome("no_result", detail=detail, unstable=cause, variants=("3", "4"))
        none = Outcome("no_result", detail=detail, unstable=cause, variants=("4", "5"))
        assert hidden(some, case) == detail
        assert hidden(none, case) == ""


def test_what_was_seen_to_fail_is_not_hidden() -> None:
    assert hidden(Outcome("exception", exception="ValueError"), equal_to(3)) == ""
    assert hidden(Outcome("value", POINT), Case("", CALL, raises="ValueError")) == ""
    assert hidden(Outcome("value", "no value"), equal_to(3)) == ""
    assert hidden(Outcome("timeout", detail="cpu"), equal_to(3)) == ""
