"""Mutants: properties over generated and real programs, and programs made to break whoever reads them."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.benchmarks.starter import load_starter
from tasks.core.records import Outcome
from tasks.mutation.mutate import MAX_CHARACTERS, mutants, mutate_all, non_equivalent_mutants
from tasks.mutation.operators import OPERATORS
from tests.support.factories import behaviour_of, solution, suite

names = st.sampled_from(["a", "b", "items"])
leaves = ["0", "7", "2.5", "'x'", "''", "True", "None", "f'{a}!'", "items[1:]", "items[:-2]", "a", "b"]
shapes = ["({} + {})", "({} - {})", "({} % {})", "({} < {})", "({} == {})", "({} in {})", "({} and {})"]
shapes += ["(not {0})", "max({}, {})", "[x for x in range({}) if {}]", "({0} if {1} else {0})"]
expressions = st.recursive(
    st.sampled_from(leaves),
    lambda inner: st.builds(str.format, st.sampled_from(shapes), inner, inner),
    max_leaves=5,
)
statements = st.one_of(
    st.builds("{} = {}".format, names, expressions),
    st.builds("{} += {}".format, names, expressions),
    st.builds("return {}".format, expressions),
    st.builds("if {}:\n        return {}".format, expressions, expressions),
    st.builds("while {}:\n        a -= {}".format, expressions, expressions),
    st.builds("for a in {}:\n        continue".format, expressions),
)
programs = st.builds(
    lambda body: "def f(a, b, items):\n    " + "\n    ".join(body) + "\n",
    st.lists(statements, min_size=1, max_size=4),
)
STARTER = load_starter()


@settings(max_examples=60)
@given(programs | st.sampled_from([problem.gold_solution for problem in STARTER]), st.integers(0, 9))
def test_mutants_compile_differ_are_few_and_come_again(code: str, count: int) -> None:
    found = mutants(code, count, 3)
    assert found == mutants(code, count, 3)
    assert len(found) <= count
    texts = [ast.unparse(ast.parse(mutant.code)) for mutant in found]
    assert len(set(texts)) == len(texts)
    assert ast.unparse(ast.parse(code)) not in texts
    for mutant in found:
        compile(mutant.code, "mutant", "exec")
        assert mutant.operator in OPERATORS
        assert 1 <= mutant.line <= code.count("\n") + 1


@given(st.text() | st.text(alphabet="()[]{}:=+-*\n \\\"'#fdefreturn0"))
def test_any_text_is_taken(text: str) -> None:
    assert all(mutant.code != text for mutant in mutants(text, 4, 0))


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "(" * 150 + "1" + ")" * 150,
        "x = " + "-" * 8000 + "1",
        "x = " + "+".join(["1"] * 8000),
        "x = a" + ".b" * 8000,
        "x = a" + "[0]" * 5000,
        "x = 0x" + "f" * 9_000,
        "x = 1e999\ny = 9 ** 9 ** 9",
        "def f():\n" + "".join(" " * depth + "if x:\n" for depth in range(1, 99)) + " " * 99 + "return 1",
        "x = '\udc80'",
        "x = 1\0",
        "return 5",
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    return g",
        "a = 1\n" * 1_700_000,
        "x = f\"{'a' if y else f'{z!r:>{w}}'}\"",
    ],
    ids=lambda code: code[:12],
)
def test_hostile_programs_neither_break_nor_leak(code: str) -> None:
    for mutant in mutants(code, 5, 0):
        compile(mutant.code, "mutant", "exec")
    assert len(code) <= MAX_CHARACTERS or mutants(code, 5, 0) == []


@pytest.mark.parametrize(
    ("operator", "code", "wanted"),
    [
        ("arithmetic", "return a + b", {"return a - b", "return a * b"}),
        ("comparison", "return a == b", {"return a != b"}),
        ("boolean", "return a and b", {"return a or b"}),
        ("constant", "return a[3]", {"return a[4]", "return a[2]"}),
        ("boundary", "return [x for x in range(a) if x < b]", {
            "return [x for x in range(a) if x <= b]",
            "return [x for x in range(a - 1) if x < b]",
            "return [x for x in range(a + 1) if x < b]",
        }),
        ("slice", "return a[1:]", {"return a[0:]", "return a[2:]", "return a[1:-1]"}),
        ("removed statement", "a.sort()\n    return a", {"pass\n    return a", "a.sort()\n    pass"}),
        ("swapped arguments", "return pow(a, b, 7)", {"return pow(b, a, 7)", "return pow(a, 7, b)"}),
        ("another function", "return min(a, b.upper())", {
            "return max(a, b.upper())", "return min(a, b.lower())"
        }),
        ("negated condition", "return 1 if not a else 2", {"return 1 if a else 2"}),
        ("return value", "return a or b", {"return True", "return False"}),
        ("return value", "return b.x", {"return None", "return a"}),
    ],
)  # fmt: skip
def test_every_operator_makes_its_edits(operator: str, code: str, wanted: set[str]) -> None:
    found = mutants(f"def f(a, b):\n    {code}\n", 100, 0)
    bodies = {m.code.partition("\n")[2].strip() for m in found if m.operator == operator}
    assert bodies == wanted


def test_docstrings_annotations_and_f_string_texts_stay() -> None:
    code = "def f(a: 'int') -> 'str':\n    'Says it.'\n    return f'n {a}'\n"
    assert {mutant.operator for mutant in mutants(code, 99, 0)} == {"return value", "removed statement"}


def test_operators_take_iterations_and_lines_are_the_originals() -> None:
    code = "def f(a):\n\n    # a comment\n    n = 1 + 2 + 3 + 4 + 5 + 6 + 7\n    return n if a else 0\n"
    found = mutants(code, 10, 1)
    counts = Counter(mutant.operator for mutant in found)
    assert len(counts) >= 4
    assert max(counts.values()) <= 3
    assert {m.line for m in found if m.operator == "arithmetic"} == {4}
    assert {m.line for m in found if m.operator in ("negated condition", "return value")} == {5}


def test_mutants_of_several_solutions_name_their_parent_and_are_none_of_them() -> None:
    parents = [
        solution("one", "def add(a, b):\n    return a + b\n"),
        solution("layout", "def add(a, b):\n\n    return (a + b)  # the same\n"),
        solution("two", "def add(a, b):\n    return a - b\n"),
    ]
    found = mutate_all(parents, 50, 0)
    assert {row.parent for row in found} == {"layout", "two"}
    assert not {"def add(a, b):\n    return a + b", "def add(a, b):\n    return a - b"} & {
        row.code for row in found
    }
    assert len({row.solution_id for row in found}) == len({row.code for row in found}) == len(found)
    assert all(row.origin == "mutant" and ", line " in row.change for row in found)
    assert [row.parent for row in mutate_all(parents, 2, 0)] == ["layout", "two"]


def test_what_nobody_can_tell_apart_is_set_aside() -> None:
    suites = [suite("s", "assert add(2, 2) == 4", "assert add(0, 0) == 0")]
    original = behaviour_of(solution("o", "def add(a, b):\n    return a + b\n"), suites)
    product = behaviour_of(solution("p", "def add(a, b):\n    return a * b\n"), suites)
    difference = behaviour_of(solution("d", "def add(a, b):\n    return a - b\n"), suites)
    fault = replace(difference, solution_id="f", calls=(Outcome("fault"), *difference.calls[1:]))
    flaky = replace(difference, solution_id="g", flaky=True)
    assert non_equivalent_mutants(original, [product, difference, fault, flaky]) == [difference]
