"""A syntax tree in its author's words."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.fragments import parse_python
from tasks.core.records import Case
from tasks.testcode.split import patched, split_tests
from tasks.testcode.suites import case_as_written, case_key, read_case, read_cases
from tasks.testcode.written import Author

NUMBERS = st.sampled_from(["10**6", "1_000", "0xff", "1e3", "2 ** 10", "-5", "(1 + 2) * 3", "7_0"])
TEXTS = st.sampled_from(
    ['"a"', "'a'", '"it\'s"', 'r"\\d"', '"""two\nlines"""', '"a" "b"', 'f"{1}"', '"\\t"', "b'x'"]
)
LITERALS = st.recursive(
    NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{' , '.join(parts)}]")
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({','.join(parts)},)")
        | st.tuples(TEXTS, inner).map(lambda pair: "{" + f"{pair[0]}:{pair[1]}" + "}")
    ),
    max_leaves=5,
)
CALLS = st.lists(LITERALS, max_size=2).map(lambda parts: f"f({', '.join(parts)})")
ASSERTS = st.tuples(CALLS, st.sampled_from([" == ", "==", " != ", " in "]), LITERALS).map(
    lambda parts: f"assert {''.join(parts)}"
) | CALLS.map(lambda call: f"assert  not {call}")


@given(st.lists(ASSERTS, min_size=1, max_size=4))
def test_plain_assertions_come_out_as_they_were_written(lines: list[str]) -> None:
    tree = parse_python("\n".join(lines))
    assert tree is not None
    assert split_tests(tree, "f") == lines


@given(st.lists(ASSERTS, min_size=1, max_size=4), LITERALS, LITERALS)
def test_what_is_written_again_is_the_case_that_was_read(lines: list[str], given: str, wanted: str) -> None:
    tree = parse_python("\n".join([*lines, f"x = {given}", f"assert f(x) == {wanted}"]))
    assert tree is not None
    cases = read_cases(split_tests(tree, "f"), "f").cases
    assert cases
    for case in cases:
        again = read_case(case_as_written(case, "f"), "f")
        assert isinstance(again, Case)
        assert case_key(again) == case_key(case)


STYLES = {
    'x = "it\'s"\nassert f(x) == "long"': 'assert f("it\'s") == "long"',
    "def test():\n    n = 10**6\n    assert f(n) == 7_0": "assert f(10**6) == 7_0",
    'for a, b in [("x", 0xff)]:\n    assert f(a) == b': 'assert f("x") == 0xff',
    'import pytest\n@pytest.mark.parametrize("a", ["x y"])\ndef test(a):\n    assert f(a)': 'assert f("x y")',
    'self.assertEqual(f("u"), [1,2,\n    3])': 'assert f("u") == [1,2,\n    3]',
    'self.assertTrue(f("u", 1e3))': 'assert f("u", 1e3)',
    'self.assertAlmostEqual(f("u"), 1e3)': 'assert round(abs(f("u") - 1e3), 7) == 0',
    'with self.assertRaises(ValueError):\n    f("u")': 'with pytest.raises(ValueError):\n    f("u")',
    'assert (f("a") ==\n        "b")': 'assert (f("a") ==\n        "b")',
    'assert f("a") == "b" and f(1_0) != "c"': 'assert f("a") == "b"',
    'assert f("a") == "b", "a message"': 'assert f("a") == "b"',
    'import math\nassert math.isclose(f("1"), 1e-3)': 'assert math.isclose(f("1"), 1e-3)',
    'prose here\nassert f("a") == 0x10': 'assert f("a") == 0x10',
}


@pytest.mark.parametrize("text", STYLES)
def test_cases_of_every_style_keep_their_words(text: str) -> None:
    tree = parse_python(text) or patched(text)[0]
    case = read_cases(split_tests(tree, "f"), "f").cases[0]
    assert case_as_written(case, "f") == STYLES[text]


def test_two_checks_that_differ_in_their_style_are_one_case() -> None:
    reading = read_cases(["assert [*f('a')] == [10]", 'assert [*f("a")]==[1_0]'], "f")
    assert [case.check for case in reading.cases] == ["assert [*f('a')] == [10]"]
    assert [reason for reason, _ in reading.dropped] == ["repeat"]


def test_words_that_mean_something_else_are_not_taken() -> None:
    """A tree that was changed, or whose lines are those of another text."""
    text = 'x = 1\nassert f("a") == x'
    tree = ast.parse(text)
    assertion = tree.body[1]
    assert isinstance(assertion, ast.Assert)
    assert isinstance(assertion.test, ast.Compare)
    assertion.test.comparators = [ast.BinOp(ast.Name("x", ast.Load()), ast.Add(), ast.Constant(1))]
    assert Author(text).text_of(assertion) == 'assert f("a") == x + 1'
    assert Author("another\ntext, of two lines").text_of(assertion) == "assert f('a') == x + 1"
