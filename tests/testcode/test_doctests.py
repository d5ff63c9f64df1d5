"""Examples of docstrings as assertions, against what `doctest` itself says of them."""

from __future__ import annotations

import ast
import doctest

import pytest

from tasks.testcode.doctests import docstring_examples, examples

SHOWN = {
    "a value": ">>> f(2)\n4\n",
    "a text": ">>> f('a')\n'aa'\n",
    "a list of several lines": ">>> [f(1),\n...  f(2)]\n[2, 4]\n",
    "nothing of None": ">>> print_nothing(1)\n",
    "a print": ">>> print(f('a'))\naa\n",
    "setup": ">>> x = 3\n>>> f(x)\n6\n",
    "an exception": ">>> f(None)\nTraceback (most recent call last):\n    ...\nTypeError: no None\n",
    "an ellipsis": ">>> f(range(3)) # doctest: +ELLIPSIS\n'range(0, ...'\n",
    "blanks": ">>> f([1]) # doctest: +NORMALIZE_WHITESPACE\n[1,\n 1]\n",
    "one that is skipped": ">>> f(1) # doctest: +SKIP\n99\n>>> f(1)\n2\n",
    "prose between": "First:\n\n>>> f(1)\n2\n\nThen, as it isn't:\n\n    >>> f(2)\n    4\n",
}
FUNCTIONS = {
    "right": "def f(x):\n    if x is None:\n        raise TypeError('no None')\n"
    "    return repr(x) if isinstance(x, range) else x * 2\ndef print_nothing(x):\n    pass\n",
    "wrong": "def f(x):\n    return 'it is wrong'\ndef print_nothing(x):\n    return 1\n",
}


def passes_here(text: str, names: dict[str, object]) -> bool:
    module = ast.Module(body=examples(text), type_ignores=[])
    try:
        exec(compile(ast.fix_missing_locations(module), "test", "exec"), {"pytest": pytest, **names})
    except (Exception, pytest.fail.Exception):
        return False
    return True


def passes_there(text: str, names: dict[str, object]) -> bool:
    test = doctest.DocTestParser().get_doctest(text, {**names}, "t", None, 0)
    return doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed == 0


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", SHOWN)
def test_examples_hold_where_doctest_says_so(kind: str, function: str) -> None:
    names: dict[str, object] = {}
    exec(FUNCTIONS[function], names)
    assert passes_here(SHOWN[kind], names) is passes_there(SHOWN[kind], names) is (function == "right")


@pytest.mark.parametrize(
    "text", ["", "f(1) is 2", ">>> f(1", ">>>f(1)\n2", ">>> f(1)\nTraceback:\n  no\n1 x: y"]
)
def test_what_is_no_example_gives_none(text: str) -> None:
    assert all(isinstance(step, ast.stmt) for step in examples(text))
    assert not any(isinstance(step, ast.Assert) for step in examples(text.replace(">>> f(1)\n", "")))


def test_texts_that_stand_alone_are_read_and_no_others() -> None:
    module = ast.parse('"""\n>>> f(1)\n2\n"""\nx = """\n>>> f(2)\n4\n"""\n')
    assert [ast.unparse(step) for step in docstring_examples(module)] == ["assert repr(f(1)) == '2'"]
