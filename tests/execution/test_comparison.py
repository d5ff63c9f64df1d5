"""When outputs are as good as expected ones: each comparison against cases that people would call so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core import values
from tasks.execution.comparison import Comparison, Mode


@pytest.mark.parametrize(
    ("mode", "output", "expected", "same"),
    [
        ("exact", "a\nb \n\n", "a\nb", True),
        ("exact", "a  b", "a b", False),
        ("tokens", "a  b\nc", "a b c\n", True),
        ("tokens", "ab c", "a bc", False),
        ("tokens", "1.0", "1.00", False),
        ("float", "0.33333333 x", "0.3333333333 x", True),
        ("float", "1e-9", "0.0", True),
        ("float", "1000000.4", "1000000.0", True),
        ("float", "1.4", "1.0", False),
        # Whole numbers have no tolerance, and no other way to be written.
        ("float", "1000000007", "1000000008", False),
        ("float", "0011", "11", False),
        ("float", "3", "3.0", True),
        # A division that should have been one of whole numbers.
        ("float", "3.3333333333333332e+16", "33333333333333333", False),
        ("float", "1000000006.5", "1000000007", False),
        ("float", "1e18", "1000000000000000001", False),
        ("float", "1e18", "1000000000000000000", True),
        ("float", "2.9999999", "3", True),
        ("float", "nan", "3", False),
        ("float", "nan", "nan", True),
        ("float", "inf", "1e308", False),
        ("float", "1.5 2", "1.5", False),
        ("lines", " 1.50\n2", "1.5\n2.0", True),
        ("lines", "1 2\n", "1\n2\n", False),
    ],
)
def test_stdout(mode: Mode, output: str, expected: str, same: bool) -> None:
    assert Comparison(mode).equality(is_data=False)(output, expected) is same
    assert Comparison(mode).equality(is_data=False)(output, None) is False


@pytest.mark.parametrize(
    ("mode", "output", "expected", "same"),
    [
        ("exact", (1, 2), [1, 2], True),
        ("exact", {1: "a"}, {"1": "a"}, True),
        ("exact", 0.1 + 0.2, 0.3, False),
        ("float", [0.1 + 0.2, "a", 3], [0.3, "a", 3], True),
        ("float", {"a": 1.0000001}, {"a": 1}, True),
        ("float", [10**9 + 7], [10**9 + 8], False),
        ("float", [10**17 / 3], [10**17 // 3], False),
        ("float", [10**17 / 4], [10**17 // 4], True),
        ("float", float("inf"), 3, False),
        ("float", True, 1.0, True),
        ("float", "0.30000001", "0.3", False),
        ("float", [1.0], [1.0, 2.0], False),
        ("wrapped", 5, [5], True),
        ("wrapped", [1, 3], [[1, 3]], True),
        ("wrapped", [1, 3], [1, 3], True),
        ("wrapped", [5], 5, False),
        ("wrapped", 5, [6, 5], False),
        ("wrapped", 6, [6, 5], False),
        ("wrapped", None, [], False),
    ],
)
def test_data(mode: Mode, output: Any, expected: Any, same: bool) -> None:
    assert Comparison(mode).equality(is_data=True, from_json=True)(output, expected) is same


@pytest.mark.parametrize("mode", ["exact", "float", "wrapped"])
@given(st.lists(st.integers(-3, 3) | st.text("ab", max_size=2)), st.randoms(use_true_random=False))
def test_in_any_order_what_counts_is_how_often(mode: Mode, items: list[Any], shuffler: Any) -> None:
    same = Comparison(mode, any_order=True).equality(is_data=True, from_json=True)
    other = shuffler.sample(items, len(items))
    assert same(other, items)
    assert not same([*other, 9], items)
    assert not items or same([*other[1:], 9], items) is False
    in_order = Comparison(mode).equality(is_data=True, from_json=True)
    assert in_order(other, items) is (other == items)


def test_lines_in_any_order() -> None:
    same = Comparison("tokens", any_order=True).equality(is_data=False)
    assert same("b  1\na\n", "a\nb 1")
    assert not same("b\n1 a\n", "a\nb 1")
    assert Comparison("float", any_order=True).equality(is_data=False)("2.0\n1.0000001\n", "1.0\n2.0")


@given(st.sampled_from(["exact", "tokens"]), st.booleans(), st.text("ab \n1."), st.text("ab \n1."))
def test_forms_are_equal_where_the_rule_holds(mode: Mode, any_order: bool, one: str, other: str) -> None:
    comparison = Comparison(mode, any_order=any_order)
    form = comparison.form(is_data=False)
    assert form is not None
    assert comparison.equality(is_data=False)(one, other) is (form(one) == form(other))
    assert form(form(one)) == form(one)


def test_text_suites_are_compared_as_python_does() -> None:
    same = Comparison().equality(is_data=True)
    assert not same((1, 2), [1, 2])
    assert same(values.decode("1.0"), 1)
