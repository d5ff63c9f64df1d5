"""Examples of a docstring as tests: `>>> f(2)` and what Python would show after it. By syntax alone."""

from __future__ import annotations

import ast
import doctest
import re

from tasks.core.fragments import parse_foreign

_PROMPT = re.compile(r"^[ \t]*>>> ", re.MULTILINE)


def examples(text: str) -> list[ast.stmt]:
    """The statements of a text's examples, in order: what shows something is an assertion, all else what it
    stands on. Empty where there are none, or one cannot be read."""
    if not _PROMPT.search(text):
        return []
    try:
        found = doctest.DocTestParser().get_examples(text)
        return [step for example in found for step in _steps(example)]
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []


def docstring_examples(module: ast.Module) -> list[ast.stmt]:
    """The examples in the texts that stand alone in a file, its docstring among them."""
    texts = [
        part.value.value
        for part in module.body
        if isinstance(part, ast.Expr)
        and isinstance(part.value, ast.Constant)
        and isinstance(part.value.value, str)
    ]
    return [step for text in texts for step in examples(text)]


def _steps(example: doctest.Example) -> list[ast.stmt]:
    steps = parse_foreign(example.source).body
    if example.options.get(doctest.SKIP):
        return []
    if example.exc_msg is not None:
        return _raises(steps, example.exc_msg)
    if len(steps) != 1 or not isinstance(step := steps[0], ast.Expr):
        # What a statement prints stays in the solution's process.
        return steps
    shown, printed = ast.unparse(step.value), step.value
    if isinstance(printed, ast.Call) and ast.unparse(printed.func) == "print":
        if len(printed.args) != 1 or printed.keywords:
            return steps
        shown = f"str({ast.unparse(printed.args[0])})"
    elif example.want:
        shown = f"repr({shown})"
    else:
        # Nothing is shown of None alone.
        return ast.parse(f"assert ({shown}) is None").body
    return ast.parse(_compared(shown, example)).body


def _compared(shown: str, example: doctest.Example) -> str:
    want = example.want.removesuffix("\n")
    if example.options.get(doctest.NORMALIZE_WHITESPACE):
        shown, want = f"' '.join({shown}.split())", " ".join(want.split())
    if example.options.get(doctest.ELLIPSIS) and "..." in want:
        pattern = ".*".join(map(re.escape, want.split("...")))
        return f"import re\nassert re.fullmatch({pattern!r}, {shown}, re.DOTALL)"
    return f"assert {shown} == {want!r}"


def _raises(steps: list[ast.stmt], message: str) -> list[ast.stmt]:
    name, _, text = message.strip().partition(":")
    if not all(part.isidentifier() for part in name.split(".")):
        raise ValueError("no exception")
    # In one statement: alone, neither says what the example does.
    kind = name.rpartition(".")[2]
    lines = f"with pytest.raises({kind}, check=lambda error: str(error) == {text.strip()!r}):\n    pass"
    manager = ast.parse(lines).body[0]
    assert isinstance(manager, ast.With)
    manager.body = steps
    return [manager]
