"""A condition means what Python means by it, costs little whatever it meets, and uses nothing else."""

from __future__ import annotations

import ast
import math
import warnings
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox_image import plain
from sandbox_image.iterators import KINDS, taken
from sandbox_image.outcomes import raised
from sandbox_image.testing import approx
from tasks.core.literals import to_source
from tasks.core.records import CONDITION, Case, Outcome, Problem, Suite
from tasks.core.values import Opaque, ValueFormatError, encode
from tasks.execution.determinism import SandboxPair
from tasks.execution.problem_data import ProblemData
from tasks.execution.step import execute_shard
from tasks.execution.verdicts import judge, plan_calls, suite_verdicts
from tasks.testcode.conditions import condition, constant, holds, substituted
from tasks.testcode.suites import case_key, case_source, make_call, read_cases
from tests.support.factories import solution

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
    found = condition(ast.parse(text, mode="eval").body)
    if found is None:
        # A part that is the same for every value has none.
        return
    assert holds(found, value) is python_says(text, value)


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
        ("_ == list(range(15000))", [*range(15_000)]),
        ("sum(_) == 15000 * 14999 // 2", range(15_000)),
        ("_ * 2 == [0] * 9000", [0] * 4_500),
    ],
    ids=str.split("range float absent empty modulo floor power one list sum repeated"),
)
def test_honest_values_may_be_large(text: str, value: object) -> None:
    assert holds(read(text), value)


@pytest.mark.parametrize(
    "text",
    [
        *("_ == list(range(10 ** 6))", "_ and 0 < 3 ** 10 ** 6", "_ * 2 == 'a' * 10 ** 6"),
        *("_ == 1 / 0", "_ == [0][1]", "_ == 'a' + 1", "_ == b'a' % 1", "_ == -'a'"),
        *("sorted(_, 0)", "sum(_, 0) == 6", "str(_, 'utf-8') == 'a'", "_ == len()", "abs(_, 1) == 1"),
        "_" + " + 1" * 60 + " == 61",
    ],
)
def test_what_a_test_says_without_the_value_must_be_told_here(text: str) -> None:
    assert condition(ast.parse(text, mode="eval").body) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("_ == pytest.approx(0.3, 0.1)", 0.31),
        ("_ == pytest.approx(0.3, 1e-9, 0.1)", 0.31),
        ("sorted(list(_)) == ['a', 'b']", {"a", "b"}),
        ("sorted(list(set(_))) == ['a', 'b']", "abba"),
        ("len(list(_)) == 2 and set(tuple(_)) == {'a', 'b'}", frozenset("ab")),
        ("list(_) == ['a']", {"a"}),
        ("_.index('b') == 1 and _.count('b') == 1", "ab"),
        ("_.split() == [b'a'] and _.strip().isdigit() is False", b" a "),
        ("_.count(1) + _.index(2) == 2", deque([1, 2])),
        ("_ + b'!' == b'a!' and _ * 2 == b'aa'", b"a"),
        ("type(_) is not dict and _ == {'a': 1} and _['z'] == 0", Counter("a")),
        ("str(_) == \"Counter({'a': 1})\"", Counter("a")),
        ("list(_.items()) == [('a', 1)]", OrderedDict(a=1)),
        ("_ == {1} and len(_) == 1 and _ - {1} == set()", {1: 2}.keys()),
        ("str(_) == '3' and str(_).isdigit()", 3),
    ],
)
def test_what_python_says_of_values_as_they_travel(text: str, value: object) -> None:
    assert python_says(text, value)
    sent = taken(value, raised) if type(value) in KINDS else value
    outcome = Outcome("value", plain.encode(sent, 10_000))
    case = Case("", make_call("f", ()), expected=encode(read(text)), rule=CONDITION)
    assert judge(outcome, case) == "pass"


@pytest.mark.parametrize(
    "test",
    [
        *("str(f(1)) != ''", "len(str(f(1))) > 0", "'error' not in str(f(1))", "isinstance(str(f(1)), str)"),
        *("len(list({f(1)})) == 1", "str({f(1)}) != ''", "str(f(1)) == 'x' or True", "[f(1)] != []"),
    ],
)
def test_what_any_object_passes_is_left_to_the_null_candidate(test: str) -> None:
    (case,) = read_cases([f"assert {test}"], "f").cases
    assert case.check


def test_an_entry_point_may_be_named_like_what_conditions_know() -> None:
    def read_as(test: str, entry_point: str) -> Case:
        (case,) = read_cases([test], entry_point).cases
        return case

    assert read_as("assert abs(abs(-3)) == 3", "abs").check
    assert read_as("assert sorted([2, 1]) == sorted([1, 2])", "sorted").check
    assert read_as("assert isclose(1, 2) == True", "isclose").call
    assert read_as("from .math import isclose\nassert isclose(f(1), 2)", "f").check


def test_large_numbers_are_written_as_python_reads_them() -> None:
    for test in (
        *("assert f(10 ** 5000) == 1", "assert f(1) == 2 ** 20000", "assert abs(f(10 ** 5000)) == 1"),
        "with pytest.raises(ValueError):\n    f(-10 ** 5000)",
        f"x = 1\nassert f(x) == 0x{'f' * 4000}",
    ):
        (case,) = read_cases([test], "f").cases
        (again,) = read_cases([case_source(case, "f")], "f").cases
        assert case.call
        assert case_key(again) == case_key(case)


@given(TERMS)
def test_source_and_condition_are_one(text: str) -> None:
    known = condition(ast.parse(text, mode="eval").body)
    if known is None:
        return
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


def equal_hashes() -> dict[int, int]:
    """A dictionary whose items, but not whose keys, have one hash: that of a pair, the other way around."""
    first, second, fifth = 11400714785074694791, 14029467366897019727, 2870177450012600261
    bits = 2**64

    def lane(accumulated: int, item: int) -> int:
        mixed = (accumulated + item * second) % bits
        return ((mixed << 31 | mixed >> 33) * first) % bits

    undone = pow(first, -1, bits)
    wanted = lane(lane(fifth, 0), 0)
    found = {}
    for key in range(3_000):
        rotated = wanted * undone % bits
        mixed = (rotated >> 31 | rotated << 33) % bits
        value = (mixed - lane(fifth, key)) * pow(second, -1, bits) % bits
        # What is its own hash.
        if value < 2**61 - 1:
            found[key] = value
    return found


def test_those_items_have_one_hash() -> None:
    items = equal_hashes().items()
    assert len(items) > 200
    assert len({*map(hash, items)}) == 1


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
        ("round(_, -1000000000) > 0", lambda: 3),
        ("round(_, -1000000000) != 0", lambda: 0),
        ("_ * ('a' * 10000) == 3", lambda: "b" * 900_000),
        ("len(str([_] * 9000)) == 3", lambda: {0: "x" * 900_000}),
        ("len(str([_] * 9000)) == 3", lambda: deque(["x" * 900_000])),
        ("len(str([_] * 9000)) == 3", lambda: range(10**4200)),
        ("len(set([_] * 9000)) == 3", lambda: range(1 << 800_000)),
        ("len(" + "str([" * 20 + "_" + "])" * 20 + ") == 0", lambda: "\\" * 100),
        ("_ == pytest.approx([2 ** 63] * 5000, rel=2 ** 9999)", lambda: [1] * 5000),
        ("_.items() - {1} == 3", equal_hashes),
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
    assert value_of("b'a' * 3 + b'c'") == b"aaac"
    assert value_of("round(0, -10 ** 7)") == 0
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
        "('a' * 10000) * ('b' * 10000)",
        "[{0: 'a' * 10000}] * 9000",
        "round(0, 'a')",
        "{" + ", ".join(str(i * (2**61 - 1)) for i in range(100)) + "}",
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


def test_judged_outside_a_condition_has_the_verdict_of_a_test_process(seeds: SandboxPair) -> None:
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
    rows = execute_shard(seeds, [ProblemData(problem, programs, suites)])
    plan = plan_calls(suites)
    passed = set()
    for row in rows:
        one, other = (suite_verdicts(row, suite, plan) for suite in suites)
        if not row.solution_id.startswith("null/"):
            assert one == other, row.solution_id
            passed |= {question for question, verdict in zip(outside, one, strict=True) if verdict == "pass"}
    assert passed == {*outside}
