from __future__ import annotations

import ast
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.fragments import parse_python
from tasks.core.records import CONDITION, TRUTH, Call, Case, Outcome
from tasks.core.values import decode, encode
from tasks.execution.verdicts import judge
from tasks.testcode.split import MAX_TESTS, split_tests
from tasks.testcode.suites import case_key, case_source, make_call, read_case, read_cases

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers() | st.text(max_size=3), max_size=3)
        | st.sets(st.integers(), max_size=3)
        | st.dictionaries(st.integers() | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def case(source: str) -> Case:
    found = read_case(source, "f")
    assert isinstance(found, Case), found
    return found


def split(code: str) -> list[str]:
    module = parse_python(code)
    assert module is not None
    return split_tests(module, "f")


@pytest.mark.parametrize(
    ("source", "args", "expected"),
    [
        ("assert f(1, [2]) == 3", [1, [2]], 3),
        ("assert 3 == f(1, [2])", [1, [2]], 3),
        ("assert f('a') == 'b', 'message'", ["a"], "b"),
        ("assert f(-1) == -2.5", [-1], -2.5),
        ("assert f(2)", [2], True),
        ("assert not f(2)", [2], False),
        ("assert f(2) is None", [2], None),
        ("assert f(2) is True", [2], True),
        ("assert f({1: (2,)}) == {3}", [{1: (2,)}], {3}),
        ("assert f(set()) == []", [set()], []),
        ("x = [1]\nassert f(x) == 1", [[1]], 1),
        ("r = f(4)\nassert r == 5", [4], 5),
        ("x = 3\nassert f(x, x) == x", [3, 3], 3),
    ],
)
def test_calls_with_an_expected_value(source: str, args: list[object], expected: object) -> None:
    found = case(source)
    assert found.call == make_call("f", args)
    assert decode(found.expected) == expected
    assert not found.check
    assert not found.raises


@pytest.mark.parametrize(
    "source",
    [
        "assert f(1) != 2",
        "assert f(1) is not None",
        "assert not isinstance(f(1), str)",
        "assert f(f(1)) == 1",
        "assert f(1) == f(2)",
        "assert f(*[1, 2]) == 3",
        "assert [*f(1)] == [1]",
        "assert list(map(abs, f(1))) == [1]",
        "assert f(1) is [1]",
        "def abs(x):\n    return 0\nassert abs(f(1)) == 0",
        "from numpy import sum\nassert sum(f(1)) == 0",
        "from numpy import *\nassert sum(f(1)) == 0",
        "import math as abs\nassert abs(f(1)) == 0",
        "assert f(1).__class__ == int",
        "assert f(1).pop() == 2",
        "assert f'{f(1)}' == '1'",
        "x = 0\nassert (x := f(1)) > 0",
        "assert sorted(f(1), key=len) == ['a']",
        "x = [2, 1]\nx.append(3)\nassert f(x) == 3",
        "x = [2, 1]\ny = f(x)\nassert (x, y) == ([1, 2], None)",
        "for i in range(3):\n    assert f(i) == i",
        "assert all((f(i) == i for i in range(3)))",
        "assert f(lambda v: v) == 1",
    ],
)
def test_everything_else_is_a_check(source: str) -> None:
    found = case(source)
    assert found.call is None
    assert found.check == source


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("assert f(1) > 2", "_ > 2"),
        ("assert 0 < f(1) < 2", "0 < _ < 2"),
        ("assert f(1) == 1 < 2", "_ == 1 < 2"),
        ("assert abs(f(1) - 0.3) < 1e-06", "abs(_ - 0.3) < 1e-06"),
        ("assert sorted(f(1)) == [1, 2]", "sorted(_) == [1, 2]"),
        ("assert isinstance(f(1), (int, float))", "isinstance(_, (int, float))"),
        ("assert type(f(1)) is int", "type(_) is int"),
        ("assert f(1) in (1, 2)", "_ in (1, 2)"),
        ("r = f(1)\nassert len(r) == 3", "len(_) == 3"),
        ("import math\nassert math.isclose(f(1), 0.3)", "math.isclose(_, 0.3)"),
        ("import math as m\nassert m.isclose(f(1), 0.3, abs_tol=0.1)", "math.isclose(_, 0.3, abs_tol=0.1)"),
        ("from math import isclose as near\nassert near(f(1), 0.3)", "math.isclose(_, 0.3)"),
        ("assert f(1) == pytest.approx([0.3], rel=0.1)", "_ == pytest.approx([0.3], rel=0.1)"),
        ("from pytest import approx\nassert approx(0.3) == f(1)", "pytest.approx(0.3) == _"),
        ("assert f(1)[-1].lower().split(',')[0] == 'a'", "_[-1].lower().split(',')[0] == 'a'"),
        ("assert not f(1) or 2 > 3", "not _ or 2 > 3"),
    ],
)
def test_what_is_asked_of_a_value_is_a_condition(source: str, text: str) -> None:
    found = case(source)
    assert (found.call, found.rule, decode(found.expected)) == (make_call("f", [1]), CONDITION, text)
    assert case_key(case(case_source(found, "f"))) == case_key(found)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("assert f(1) == sorted([2, 1])", [1, 2]),
        ("from math import pi\nassert f(1) == 2 * pi", 2 * math.pi),
        ("assert f(1) == len('abc') ** 2", 9),
        ("assert f(1) == [0] * 3 + list(range(2))", [0, 0, 0, 0, 1]),
        ("assert f(2 - 1) == set('aa')", {"a"}),
    ],
)
def test_what_an_expected_value_is_computed_from_is_computed(source: str, expected: object) -> None:
    found = case(source)
    assert (found.call, found.rule, decode(found.expected)) == (make_call("f", [1]), "", expected)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("assert g(1) == 2", "other_target"),
        ("assert True", "other_target"),
        ("assert 1 + == 2", "syntax"),
        ("f(1) == 2", "no_assertion"),
        ("print(f(1))", "no_assertion"),
        ("assert f(first, last) == 'ab'", "undefined_name"),
        ("assert f(1) == items[0]", "undefined_name"),
        ("", "syntax"),
        ("assert f(" + "(" * 500, "syntax"),
        ("assert f(" + "-" * 5000 + "1) == 1", "syntax"),
    ],
)
def test_dropped_tests_say_why(source: str, reason: str) -> None:
    assert read_case(source, "f") == reason


def test_expected_exceptions() -> None:
    source = "with pytest.raises(ValueError):\n    f(1, key='a')"
    found = case(source)
    assert (found.call, found.raises) == (
        Call("f", make_call("f", [1], {"key": "a"}).arguments),
        "ValueError",
    )
    assert case_source(found, "f") == source


@pytest.mark.parametrize(
    "source",
    [
        "x = object()\nwith pytest.raises(TypeError):\n    f(x)",
        "with pytest.raises(TypeError, match='x'):\n    f(1)",
        "with pytest.raises((TypeError, KeyError)):\n    f(1)",
        "import json\nwith pytest.raises(json.JSONDecodeError):\n    f('{')",
        "class TypeError(Exception):\n    pass\nwith pytest.raises(TypeError):\n    f(1)",
        "with pytest.raises(TypeError):\n    f(1)\n    f(2)",
    ],
)
def test_other_expected_exceptions_are_checks(source: str) -> None:
    assert case(source).check == source


def test_keywords_are_sorted_and_repeats_dropped() -> None:
    reading = read_cases(
        ["assert f(b=1, a=2) == 3", "assert f(a=2, b=1) == 3", "assert 3 == f(a=2, b=1)", "assert g(1) == 1"],
        "f",
    )
    assert len(reading.cases) == 1
    assert [reason for reason, _ in reading.dropped] == ["repeat", "repeat", "other_target"]


def test_true_and_one_are_different_cases() -> None:
    assert len(read_cases(["assert f(1) == 1", "assert f(1) == True", "assert f(1) == 1.0"], "f").cases) == 3


def test_a_bare_assert_asks_for_any_true_value() -> None:
    for source, true in (("assert f(1)", True), ("assert not f(1)", False)):
        found = case(source)
        assert (decode(found.expected), found.rule) == (true, TRUTH)
        assert case_source(found, "f") == source
        for value in (True, 1, [1], "a", (0,), False, 0, [], "", None):
            verdict = judge(Outcome("value", encode(value)), found)
            assert verdict == ("pass" if bool(value) is true else "fail")
        assert judge(Outcome("value", '{"o":"Match"}'), found) == "fail"


def test_a_benchmark_may_use_what_its_solution_defines() -> None:
    assert read_case("assert f(Pair(1, 2)) == 3", "f") == "undefined_name"
    assert isinstance(read_case("assert f(Pair(1, 2)) == 3", "f", benchmark=True), Case)


@given(st.lists(values, max_size=3), values)
def test_a_case_reads_back_from_its_source(args: list[Any], expected: Any) -> None:
    original = Case("", make_call("f", args), expected=encode(expected))
    again = read_case(case_source(original, "f"), "f")
    assert isinstance(again, Case)
    assert case_key(again) == case_key(original)


@given(st.lists(values, max_size=3), st.sampled_from(["ValueError", "KeyError"]))
def test_an_exception_case_reads_back_from_its_source(args: list[Any], raises: str) -> None:
    original = Case("", make_call("f", args, {"k": 1}), raises=raises)
    again = read_case(case_source(original, "f"), "f")
    assert isinstance(again, Case)
    assert case_key(again) == case_key(original)


@given(st.lists(values, max_size=3))
def test_equal_arguments_are_one_record(args: list[Any]) -> None:
    assert make_call("f", args) == make_call("f", list(args))
    back, kwargs = decode(make_call("f", args).arguments)
    assert len(back) == len(args)
    assert kwargs == {}


def test_special_floats_travel() -> None:
    found = case("assert f(float('inf')) == float('nan')")
    assert found.call == make_call("f", [math.inf])
    assert math.isnan(decode(found.expected))


def test_parametrize_and_tables_are_unrolled() -> None:
    code = (
        "@pytest.mark.parametrize('a, want', [(1, 2), (3, 4)])\n"
        "def test_f(a, want):\n    assert f(a) == want\n"
        "CASES = [([1], 1), ([2], 2)]\nfor xs, want in CASES:\n    assert f(xs) == want\n"
        "for x in [5, 6]:\n    got = f(x)\n    assert got == 7\n"
    )
    reading = read_cases(split(code), "f")
    calls = [(decode(c.call.arguments)[0], decode(c.expected)) for c in reading.cases if c.call]
    # Its functions come after the file itself, as in pytest.
    assert calls == [([[1]], 1), ([[2]], 2), ([5], 7), ([6], 7), ([1], 2), ([3], 4)]
    assert not reading.dropped


def test_setup_goes_along_with_the_assertions_that_need_it() -> None:
    code = "import math\nxs = [1, 2]\nys = [3]\nxs.append(4)\nprint(f(ys))\nassert math.prod(f(xs)) == 8\n"
    assert split(code) == ["import math\nxs = [1, 2]\nxs.append(4)\nassert math.prod(f(xs)) == 8"]


def test_modules_that_everyone_forgets_to_import_are_imported() -> None:
    assert split("assert math.isclose(f(1), 0.5)") == ["import math\nassert math.isclose(f(1), 0.5)"]


def test_a_suite_that_brings_its_own_solution_tests_nothing() -> None:
    code = "def f(x):\n    return 1\nfrom solution import f\nassert f(1) == 1\nassert f(1) > 0\n"
    reading = read_cases(split(code), "f")
    assert reading.cases == ()
    assert [reason for reason, _ in reading.dropped] == ["redefines_target"] * 2
    assert split("from solution import f\nassert f(1) == 1") == ["assert f(1) == 1"]


def test_other_unittest_assertions_keep_their_meaning() -> None:
    code = (
        "class T(unittest.TestCase):\n    def test(self):\n"
        "        self.assertIsNone(f(1))\n        self.assertFalse(f(2))\n        self.assertIn(f(3), [1])\n"
        "        self.assertAlmostEqual(f(4), 0.5)\n        self.assertCountEqual(f(5), [2, 1])\n"
        "        with self.assertRaises(ValueError):\n            f(6)\n"
    )
    assert split(code) == [
        "assert f(1) is None",
        "assert not f(2)",
        "assert f(3) in [1]",
        "assert round(abs(f(4) - 0.5), 7) == 0",
        "import unittest\nself = unittest.TestCase()\nself.assertCountEqual(f(5), [2, 1])",
        "with pytest.raises(ValueError):\n    f(6)",
    ]


@given(st.text(alphabet=st.sampled_from(list("assertf (1)=:[],\n 'x")), max_size=80))
def test_reading_survives_anything(text: str) -> None:
    reading = read_cases([text], "f")
    for found in reading.cases:
        ast.parse(case_source(found, "f"))


def test_a_number_that_cannot_be_written_is_no_test() -> None:
    assert split(f"assert f(0x{'f' * 3900}) == 1\n") == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("d = {}\nd['a'] = 1\nassert f(d) == 1", "d = {}\nd['a'] = 1\nassert f(d) == 1"),
        ("d = {'a': 1}\ndel d['a']\nassert f(d) == 0", "d = {'a': 1}\ndel d['a']\nassert f(d) == 0"),
        ("o = T()\no.x = 1\nassert f(o) == 0", "o = T()\no.x = 1\nassert f(o) == 0"),
        (
            "xs = []\nfor i in range(4):\n    xs.append(i)\nassert f(xs) == 6",
            "xs = []\nfor i in range(4):\n    xs.append(i)\nassert f(xs) == 6",
        ),
        ("a = [1]\nr = f(a)\nassert a == [2]", "a = [1]\nr = f(a)\nassert a == [2]"),
        # What was there before a name was bound anew is nobody's business.
        ("a = [1]\nr = f(a)\na = [2]\nassert f(a) == 2", "a = [2]\nassert f(a) == 2"),
        ("b = 1\na = b\na = a + 1\nassert f(a) == 2", "b = 1\na = b\na = a + 1\nassert f(a) == 2"),
        ("a = [1]\nb = len(c)\nassert f(a) == 1", "a = [1]\nassert f(a) == 1"),
    ],
)
def test_a_test_keeps_what_changes_the_objects_it_looks_at(text: str, kept: str) -> None:
    tree = parse_python(text)
    assert tree is not None
    assert split_tests(tree, "f")[-1] == kept


FIXTURES = """
import pytest
@pytest.fixture
def xs():
    return [1, 2]
@pytest.fixture(scope="module")
def n(xs):
    yield len(xs)
def test_fixtures(xs, n):
    assert f(xs) == n
def test_default(x=2):
    assert f(x) == 3
@pytest.mark.parametrize("a", [1, pytest.param(2, marks=pytest.mark.xfail), 3])
def test_rows(a, n):
    assert f(a) == n
"""


def test_arguments_of_a_test_are_fixtures_defaults_or_columns() -> None:
    tree = parse_python(FIXTURES)
    assert tree is not None
    first, default, *rows = split_tests(tree, "f")
    space: dict[str, Any] = {"f": len}
    exec(first, space)
    assert (space["xs"], space["n"]) == ([1, 2], 2)
    assert default == "x = 2\nassert f(x) == 3"
    assert [row.split("a = ")[1][0] for row in rows] == ["1", "3"]


def test_ranges_are_plain_data() -> None:
    (case,) = read_cases(["assert f(range(3), [range(1, 9, 2)]) == range(0)"], "f").cases
    assert case.call is not None
    assert decode(case.call.arguments)[0] == [range(3), [range(1, 9, 2)]]
    assert decode(case.expected) == range(0)
    (again,) = read_cases([case_source(case, "f")], "f").cases
    assert case_key(again) == case_key(case)


def test_the_function_may_be_imported_by_another_name() -> None:
    tree = parse_python("from solution import f as g\nassert g(2) == 3")
    assert tree is not None
    assert split_tests(tree, "f") == ["g = f\nassert g(2) == 3"]


def test_what_an_assertion_names_may_be_looked_at_by_the_next() -> None:
    tree = parse_python("assert (r := f(3)) == 6\nassert r % 2 == 0")
    assert tree is not None
    assert split_tests(tree, "f")[1] == "assert (r := f(3)) == 6\nassert r % 2 == 0"


def test_a_file_has_so_many_tests_and_no_more() -> None:
    rows = ", ".join("1" for _ in range(100))
    tree = parse_python(f"for x in [{rows}]:\n" + "".join(f"    assert f(x, {i})\n" for i in range(50)))
    assert tree is not None
    assert len(split_tests(tree, "f")) == MAX_TESTS
