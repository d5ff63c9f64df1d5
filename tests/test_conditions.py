"""A condition means what Python means by it, costs little whatever it meets, and uses nothing else."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox_image.testing import approx
from tasks.conditions import condition, constant, holds, substituted
from tasks.execution import execute_shard
from tasks.judging import plan_calls, suite_verdicts
from tasks.passes import Seeds
from tasks.records import CONDITION, Case, Problem, Suite
from tasks.suites import read_cases
from tasks.values import Opaque, ValueFormatError, to_source
from tests.factories import solution

SMALL = st.integers(-3, 3) | st.sampled_from(
    [0.5, -0.0, 1e300, float("nan"), float("inf"), "", "Ab", True, None]
)
VALUES = st.recursive(
    SMALL,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.sets(st.integers(-3, 3), max_size=3)
        | st.dictionaries(st.integers(-3, 3) | st.sampled_from(["a", "b"]), inner, max_size=3)
        | st.just(range(3))
    ),
    max_leaves=6,
)
ATOMS = st.sampled_from(
    ["_", "_", "_", "(0)", "(2)", "(-1.5)", "'a'", "[1, 2]", "(1, 'a')", "{1}", "{'a': 1}", "None"]
)
FUNCTIONS = [
    *("abs", "all", "any", "bool", "dict", "float", "frozenset", "int", "len", "list", "max", "min", "round"),
    *("set", "sorted", "str", "sum", "tuple", "type", "math.floor", "math.isnan", "math.sqrt"),
]
SIGNS = ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
INDEXES = ["0", "-1", "'a'", "1:", "::-1"]
METHODS = ["lower()", "split()", "keys()", "items()", "get('a')", "count(1)", "index(1)", "startswith('a')"]
TYPES = ["int", "(str, list)", "bool"]
TERMS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda f, x: f"{f}({x})", st.sampled_from(FUNCTIONS), inner),
        st.builds(lambda x, sign, y: f"({x} {sign} {y})", inner, st.sampled_from(SIGNS), inner),
        st.builds(lambda x, i: f"{x}[{i}]", inner, st.sampled_from(INDEXES)),
        st.builds(lambda x, m: f"{x}.{m}", inner, st.sampled_from(METHODS)),
        st.builds(lambda x: f"(not {x})", inner),
        st.builds(lambda x, y: f"math.isclose({x}, {y}, rel_tol=0.1)", inner, inner),
        st.builds(lambda x, y: f"({x} == pytest.approx({y}, abs=0.1))", inner, inner),
        st.builds(lambda x, y: f"isinstance({x}, {y})", inner, st.sampled_from(TYPES)),
    ),
    max_leaves=5,
)


class Pytest:
    approx = staticmethod(approx)


def python_says(text: str, value: object) -> bool:
    warnings.simplefilter("ignore", SyntaxWarning)
    try:
        return bool(eval(text, {"_": value, "math": math, "pytest": Pytest}))
    except Exception:
        return False


def read(text: str) -> str:
    found = condition(ast.parse(text, mode="eval").body)
    assert found is not None, text
    return found


@settings(max_examples=500)
@given(TERMS, VALUES)
@example("_ == pytest.approx([0.1 + 0.2, 1])", [0.3, 1])
@example("[1, pytest.approx(2)] == _", [1, 2.0000001])
@example("1 < _ <= 2 != 3", 2)
@example("_ is None", None)
@example("type(_) is bool", True)
@example("pytest.approx(_)", 1)
def test_a_condition_means_what_python_means(text: str, value: object) -> None:
    if "%" in text and any(quote in text + repr(value) for quote in "'\""):
        # Texts are not formatted here.
        return
    assert holds(read(text), value) is python_says(text, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("_ in range(1, 10 ** 18)", 7),
        ("_ in range(1, 10 ** 18)", 7.0),
        ("_ not in range(1, 10 ** 18)", 0),
        ("len(range(10 ** 18, _)) == 0", 3),
        ("_ % 3 == 1", 1 << 300_000),
        ("_ // 7 + _ > 0", 1 << 300_000),
        ("_ == 2 ** 100000 - 1", (1 << 100_000) - 1),
        ("_ == 1 ** 10 ** 9", 1),
        ("_ == list(range(50000))", [*range(50_000)]),
        ("sum(_) == 50000 * 49999 // 2", range(50_000)),
        ("_ * 2 == [0] * 60000", [0] * 30_000),
    ],
    ids=str.split("range float absent empty modulo floor power one list sum repeated"),
)
def test_honest_values_may_be_large(text: str, value: object) -> None:
    assert holds(read(text), value)


@pytest.mark.parametrize(
    "text", ["_ == list(range(10 ** 6))", "_ and 0 < 3 ** 10 ** 6", "_ * 2 == 'a' * 10 ** 6"]
)
def test_what_is_too_large_for_any_value_is_no_condition(text: str) -> None:
    assert condition(ast.parse(text, mode="eval").body) is None


@given(TERMS)
def test_source_and_condition_are_one(text: str) -> None:
    known = read(text)
    assert read(known) == known
    assert substituted(known, "_") == known


@pytest.mark.parametrize(
    "text",
    [
        *("f(_)", "__import__('os')", "_.__class__", "().__class__", "eval('1')", "(lambda: 1)()"),
        *("[x for x in _]", "_.pop()", "_.append(1)", "open('x')", "getattr(_, 'a')", "'{}'.format(_)"),
        *("f'{_}'", "print(_)", "x", "math.factorial(_)", "math", "pytest.raises(_)", "sorted(_, key=abs)"),
        *("max(_, default=1)", "[*_]", "{**_}", "_ if _ else 1", "(y := _)", "_ << 3", "~_", "_ @ _"),
        *("_ is 3", "sum(*_)", "isclose(_, 1)", "str.lower(_)", "await _", "input()", "int.__mro__"),
        *("len(_, **{})", "'%d' % _", "_._fields", "'a'.join(_)", "exit()", "type", "_ is type(1)"),
    ],
)
def test_what_is_not_listed_is_no_condition(text: str) -> None:
    assert condition(ast.parse(text, mode="eval").body) is None


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("sum(_) > 0", lambda: range(10**15)),
        ("sum(_) > 0", lambda: [1 << 4_000_000] + [1] * 100_000),
        ("_ % (1 << 4000000) > 0", lambda: 1 << 8_000_000),
        ("len([_] * 90000) == 0", lambda: 1 << 4_000_000),
        ("round(_, -99999) > 0", lambda: 1 << 4_000_000),
        ("0.5 in _", lambda: range(10**15)),
        ("max(_[0]) > 0", lambda: [range(10**15)]),
        ("len(set(_)) > 0", lambda: [i * (2**61 - 1) for i in range(60_000)]),
        ("dict(_) != 0", lambda: [(i * (2**61 - 1), 0) for i in range(60_000)]),
        ("_ ** 999999 > 0", lambda: 2),
        ("9 ** 9 ** 9 > _", lambda: 2),
        ("_ * _ > 0", lambda: 1 << 8_000_000),
        ("str(_) != ''", lambda: 10**5000),
        ("_ * 1000000000 != ''", lambda: "ab"),
        ("round(_, -1000000000) == 0", lambda: 3),
        ("sum(range(1000000000)) > _", lambda: 2),
        ("sorted(range(1000000000)) != _", lambda: 2),
        ("bytes(_) != 0", lambda: 10**10),
        ("float(_) > 0", lambda: 10**400),
        ("pytest.approx(range(1000000000)) != _", lambda: 3),
    ],
)
def test_a_condition_costs_little_whatever_it_meets(text: str, made: Callable[[], Any]) -> None:
    found = condition(ast.parse(text, mode="eval").body)
    assert found is None or holds(found, made()) is False


def test_an_object_of_the_solutions_process_satisfies_nothing_by_its_looks() -> None:
    for text in (
        "_ == 1",
        "len(_) == 1",
        "_ > 0",
        "isinstance(_, int)",
        "_ == pytest.approx(1)",
        "str(_) != ''",
    ):
        assert not holds(read(text), Opaque("int"))
        assert not holds(read(text.replace("_", "_[0]")), [Opaque("int")])


def test_constants_are_plain_data() -> None:
    def value_of(text: str) -> object:
        return constant(ast.parse(text, mode="eval").body)

    assert value_of("{'a': (1, -2.5)}") == {"a": (1, -2.5)}
    assert value_of("frozenset([1])") == frozenset([1])
    assert value_of("2 ** 10 - 1") == 1023
    assert value_of("[[0] * 3] * 2") == [[0, 0, 0], [0, 0, 0]]
    for text in (
        "_",
        "_ + 1",
        "int",
        "open",
        "{1: 2}.keys()",
        "pytest.approx(1)",
        "1 / 0",
        "'a' * 999999",
        "[[0] * 5000] * 5000",
    ):
        with pytest.raises(ValueFormatError):
            value_of(text)


ANSWERS: list[Any] = [
    *(0, 3, -2.5, 0.1 + 0.2, True, None, "", "ab,c", "[1]", [], [2, 1], [0.3, "a"], (1, 2), {"a": 1}),
    *({2, 1}, set(), frozenset([5]), float("nan"), float("inf"), 10**30, 1j, b"ab", range(3)),
    *([[1, 2], [3]], {"k": [1]}),
]  # fmt: skip
QUESTIONS = [
    *("f(0) > 2", "abs(f(0) - 0.3) < 1e-9", "math.isclose(f(0), 0.3)", "f(0) == pytest.approx([0.3, 'a'])"),
    *("pytest.approx(0.3) == f(0)", "sorted(f(0)) == [1, 2]", "set(f(0)) == {1, 2}", "len(f(0)) == 2"),
    *("isinstance(f(0), (int, float))", "type(f(0)) is bool", "f(0)[0] == 2", "f(0)['a'] + 1 == 2"),
    *(
        "round(f(0), 1) == 0.3",
        "f(0).split(',')[-1] == 'c'",
        "'a' in f(0)",
        "f(0) in (3, None)",
        "0 < f(0) < 4",
    ),
    *("sum(f(0)) == 3", "max(f(0)) == 2", "all(f(0)) and len(f(0)) > 0", "str(f(0)) == '[2, 1]'"),
    *(
        "not f(0) or f(0) == 3",
        "list(f(0)) == [0, 1, 2]",
        "f(0)[::-1] == [1, 2]",
        "list(f(0).keys()) == ['k']",
    ),
    *(
        "f(0) % 2 == 1",
        "f(0) ** 2 == -1",
        "f(0) // 10 ** 29 == 10",
        "tuple(f(0)) == (1, 2)",
        "f(0) <= {1, 2, 5}",
    ),
]


def test_judged_outside_a_condition_has_the_verdict_of_a_test_process(seeds: Seeds) -> None:
    problem = Problem("p/f", "f", "f", "def f(x):", "statement")
    read = read_cases([f"import math\nassert {question}" for question in QUESTIONS], "f").cases
    outside = [case for case in read if case.rule == CONDITION]
    assert len(outside) >= len(QUESTIONS) - 2
    inside = [Case(case.source, check=case.source) for case in outside]
    suites = [Suite("outside", "p/f", tuple(outside)), Suite("inside", "p/f", tuple(inside))]
    programs = [
        solution(f"s{i}", f"def f(x):\n    return {to_source(one)}\n", problem)
        for i, one in enumerate(ANSWERS)
    ]
    rows = execute_shard(seeds, [problem], {"p/f": programs}, {"p/f": suites})
    plan = plan_calls(suites)
    passed = set()
    for row in rows:
        one, other = (suite_verdicts(row, suite, plan) for suite in suites)
        if not row.solution_id.startswith("null/"):
            assert one == other, row.solution_id
            passed |= {question for question, verdict in zip(outside, one, strict=True) if verdict == "pass"}
    assert passed == {*outside}
