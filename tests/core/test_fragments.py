"""Python among other text: whole statements, in their order, and bounded work on any text."""

from __future__ import annotations

import ast
import json
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.benchmarks.code import called_function, signature_of
from tasks.core.fragments import parse_foreign, parse_python, read_fragments
from tasks.core.records import Solution
from tasks.execution.asked import read_text
from tasks.generation.answers import bare_code
from tasks.mutation.mutate import mutate_all

STATEMENTS = [
    "import math",
    "@wraps\n@cache\ndef f(x):\n    return (\n        x\n    )",
    'def g():\n    """One.\n\nTwo: it isn\'t (over\n    """\n    return 1',
    "TABLE = [\n1, 2,\n3,\n]",
    'TEXT = """\ndef inner():\n    pass\n"""',
    "try:\n    import numpy\nexcept ImportError:\n    numpy = None\nelse:\n    pass",
    "class A:\n    x = 'don\\'t'\n\n    def m(self):\n        return {\n    1: 2}",
    "if x:\n    pass\n# in between\nelif y:\n    pass",
]
PROSE = [
    "Here it is (as you asked:",
    "It doesn't matter.",
    "1. First,",
    "- `f(3)` is it",
    "so: ((",
    "def it is",
]


@given(st.lists(st.sampled_from([*STATEMENTS, *PROSE]), max_size=8))
def test_every_statement_is_found_among_prose(texts: list[str]) -> None:
    found = read_fragments("\n\n".join(texts))
    assert [part.text for part in found.parts] == [text for text in texts if text in STATEMENTS]
    prose = [line for text in found.skipped for line in text.split("\n")]
    assert prose == [text for text in texts if text in PROSE]


def test_half_a_function_is_none() -> None:
    found = read_fragments("def f(x):\n    y = (x\n    return y\n\ndef g(x):\n    return x\n")
    assert [part.text for part in found.parts] == ["def g(x):\n    return x"]
    assert found.skipped == ("def f(x):\n    y = (x\n    return y",)


def test_a_statement_has_its_own_text_alone() -> None:
    code = 'a = "é"; b = 2  # both\ndef f():  \n    return """\nx  \n"""  # end  \n'
    assert [part.text for part in read_fragments(code).parts] == [
        'a = "é"',
        "b = 2",
        'def f():\n    return """\nx  \n"""  # end',
    ]


@pytest.mark.parametrize(
    ("text", "at_end"),
    [("f()", True), ("f()\n\n", True), ("f()\n# end", False), ("So\nso: f(", False), ("So!\nf()", True)],
)
def test_whether_the_text_ends_with_a_statement(text: str, at_end: bool) -> None:
    assert read_fragments(text).at_end is at_end


@given(st.text(alphabet=st.sampled_from(list("ab(),=:[]'\"` \n\t#+*01\\{}@")), max_size=120) | st.text())
def test_any_text_is_read(text: str) -> None:
    for part in read_fragments(text).parts:
        ast.parse(part.text)


@pytest.mark.parametrize(
    "line", ["(\n", "\"\"\"\n'''\nx y\n", "`", "don't (see\n", "@a b\n", '"', "\\", "def f(:\n", 'f(\n"""\n']
)
def test_the_work_on_a_megabyte_is_bounded(line: str) -> None:
    before = time.process_time()
    read_fragments(line * (1_000_000 // len(line)))
    assert time.process_time() - before < 15


FOREIGN = 'def f(x):\n    """f"""\n    return "\\d" + x\n'


def test_other_peoples_code_is_read_without_warnings() -> None:
    tests = f'{FOREIGN}\nassert f("\\w") == "\\d\\w"\n@pytest.mark.skipif("f(\'\\d\') == 1")\n'
    tests += 'def test_a():\n    assert f("\\s") is not f("\\s")\n'
    shown = 'def g():\n    pass\n"""\n>>> f("\\\\d")\n1\n"""\n'
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_python(FOREIGN) is not None
        assert len(parse_foreign(FOREIGN).body) == 1
        assert read_fragments(f"Prose (\n{FOREIGN}").parts
        assert isinstance(bare_code(f"So:\n```python\n{FOREIGN}```\nIt's it (", "f"), str)
        assert isinstance(bare_code(json.dumps({"code": FOREIGN}), "f"), str)
        for text, benchmark in ((tests, True), (shown, True), (tests, False)):
            assert read_text(text, "f", benchmark=benchmark)
        assert mutate_all([Solution("a", "p", FOREIGN)], 2, 0)
        assert called_function(['assert f("\\d") == "\\d\\d"'], FOREIGN) == "f"
        assert signature_of(FOREIGN, "f") == "def f(x):"
    with pytest.warns((SyntaxWarning, DeprecationWarning)):
        ast.parse(FOREIGN)
