"""The dialects of tests: each rewrites a file into plain Python with bare assertions, by syntax alone."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from tasks.core.plugins import installed
from tasks.testcode import styles
from tasks.testcode.names import mentions

GROUP = "flywheel.test_dialects"


@dataclass(frozen=True)
class Dialect:
    """One way to write tests, listed below or registered by an entry point of the group
    `flywheel.test_dialects`.

    `rewrite` gets the tree of a file and the entry point of its problem, and returns the same tests as plain
    Python: bare `assert`, functions called `test_...`, what `tasks.testcode.split` takes apart. It may use
    the tree up, and leaves alone what is not its own. Nothing may be run. Raises ValueError for a file that
    only seems to be of the dialect; then nothing of the file is read. What is read is cached by `version`:
    raise it when the dialect reads otherwise than before.
    """

    name: str
    version: int
    rewrite: Callable[[ast.Module, str], ast.Module]


def called_check(module: ast.Module, entry_point: str) -> ast.Module:
    """The file with the call of `def check(candidate):` that HumanEval's tests leave to whoever runs them."""
    calls = [
        ast.parse(f"check({entry_point})").body[0]
        for part in module.body
        if isinstance(part, ast.FunctionDef)
        and part.name == "check"
        and len(part.args.args) == 1
        and styles.asserts(part)
        and not any(mentions(other, "check") for other in module.body)
    ]
    return ast.Module(body=[*module.body, *calls[-1:]], type_ignores=[])


BUILT_IN = (Dialect("unittest-and-pytest", 2, styles.plain), Dialect("humaneval", 1, called_check))


@cache
def dialects() -> tuple[Dialect, ...]:
    """All dialects, those of packages last. Raises `FlywheelError` when a package's is none."""
    return tuple(installed(GROUP, Dialect, BUILT_IN))


def dialect_versions() -> tuple[tuple[str, int], ...]:
    """Name and version of every dialect: what reads tests is part of what their cases are cached by."""
    return tuple((one.name, one.version) for one in dialects())


def as_plain(module: ast.Module, entry_point: str) -> ast.Module:
    """The file after every dialect; uses the tree up."""
    for dialect in dialects():
        module = dialect.rewrite(module, entry_point)
    return module
