"""Which codes are one program: those of one syntax tree, unless they can see that they differ."""

from __future__ import annotations

from tasks.core.records import Problem, Solution
from tasks.execution.step import program_name, programs_of
from tests.support.factories import suite

PROBLEM = Problem("p/f", "f", "f", "def f(x):", "statement")


def test_codes_with_one_syntax_tree_are_one_program() -> None:
    codes = [
        "def add(a, b):\n    return a + b\n",
        "# Adds.\ndef add(a,b):\n\n    return (a + b)  # the sum\n",
        "def add(a, b):\n    return b + a\n",
    ]
    rows = [Solution(str(number), "p", code) for number, code in enumerate(codes)]
    one, other, _null = programs_of(PROBLEM, rows, [suite("s", "assert add(*[1, 2]) == 3")])
    assert (one.code, other.code) == (codes[0], codes[2])
    names = [program_name(PROBLEM.problem_id, code) for code in codes]
    assert names == [one.program_id, one.program_id, other.program_id]


def test_codes_that_look_at_their_own_lines_are_not_merged() -> None:
    code = "import sys\ndef f():\n    return sys._getframe().f_lineno\n"
    assert program_name("p", code) != program_name("p", f"\n{code}")
    for looks in (
        "import dis\nx = list(dis.findlinestarts(f.__code__))\n",
        "import warnings\n",
        "import gc\n",
    ):
        assert program_name("p", looks) != program_name("p", f"\n{looks}")
    assert program_name("p", "def f(:") != program_name("p", "def f( :")
    assert program_name("p", "def f():\n    return 1\n") != program_name("p", "def f():\n    return True\n")


def test_a_number_that_cannot_be_written_is_a_program_like_any_other() -> None:
    code = f"def f():\n    return 0x{'f' * 3900}\n"
    assert program_name("p", code) == program_name("p", code)
    assert program_name("p", code) != program_name("p", f"{code}\n")
