"""The entry point of a program: the statements that define it, and what it takes from elsewhere.

An answer may spread a program over several blocks; what one of them lacks is looked for in the others.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence

from tasks.core.fragments import Part, parse_python
from tasks.generation.statement_facts import DEFINITIONS, facts_of
from tasks.testcode.names import used_names
from tasks.testcode.styles import is_foreign

MAX_PARTS = 600
"""A longer program is kept as it is, but for what is dropped at sight."""
# Functions whose value is no function: `total = sum(..)` defines no entry point.
_VALUES = {
    "abs",
    "all",
    "any",
    "bool",
    "dict",
    "float",
    "input",
    "int",
    "len",
    "list",
    "max",
    "min",
    "next",
} | {*("range", "round", "set", "sorted", "str", "sum", "tuple", "print")}


def defines(part: Part, name: str) -> bool:
    """Whether a statement makes a function, or a class, of this name."""
    node = part.node
    if isinstance(node, DEFINITIONS):
        # A method that lost its class is no function.
        method = not isinstance(node, ast.ClassDef) and [arg.arg for arg in node.args.args[:1]] == ["self"]
        return node.name == name and not method
    if isinstance(node, ast.ImportFrom):
        return any((a.asname or a.name) == name for a in node.names) and not is_foreign(node.module or "")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        return named and node.value is not None and _may_be_function(node.value, name)
    if isinstance(node, ast.If | ast.Try | ast.With):
        return any(
            isinstance(inner, DEFINITIONS | ast.Assign | ast.ImportFrom) and defines(Part(inner, ""), name)
            for field in ("body", "orelse", "finalbody", "handlers")
            for one in getattr(node, field, ())
            for inner in (one.body if isinstance(one, ast.ExceptHandler) else [one])
        )
    return False


def _may_be_function(value: ast.expr, name: str) -> bool:
    if isinstance(value, ast.IfExp):
        return _may_be_function(value.body, name) or _may_be_function(value.orelse, name)
    if isinstance(value, ast.Call):
        # The value of the entry point, or of a builtin, that someone keeps under the same name.
        called = value.func.id if isinstance(value.func, ast.Name) else ""
        return called != name and called not in _VALUES
    return isinstance(value, ast.Lambda | ast.Name | ast.Attribute)


def is_idle(part: Part) -> bool:
    """Whether a function is a stub: `pass`, `...`, a docstring, NotImplementedError."""
    if not isinstance(part.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return all(
        isinstance(step, ast.Pass)
        or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
        or (isinstance(step, ast.Raise) and "NotImplementedError" in used_names(step))
        for step in part.node.body
    )


def needed_names(parts: Sequence[Part]) -> set[str]:
    """The names that statements take from outside, builtins apart; of a very long program none are known."""
    if len(parts) > MAX_PARTS:
        return set()
    facts = [facts_of(part) for part in parts]
    bound = set().union(*(one.bound | one.assigns_later for one in facts)) if facts else set()
    reached = set().union(*(one.reaches for one in facts)) if facts else set()
    return {name for name in reached - bound if not hasattr(builtins, name) and name != "__name__"}


def method_of_class(parts: Sequence[Part], entry_point: str) -> Part | None:
    """A function that calls the method of this name of a class that needs no arguments: as judges of contests
    call `Solution().f(..)`, on a new object each time."""
    classes = [part.node for part in parts if isinstance(part.node, ast.ClassDef)]
    classes.sort(key=lambda found: found.name == "Solution")
    for one in classes[::-1]:
        methods = {step.name: step for step in one.body if isinstance(step, ast.FunctionDef)}
        made = methods.get("__init__")
        given = len(made.args.defaults) if made else 0
        if entry_point not in methods or (made and len(made.args.args) - given > 1):
            continue
        call = f"{one.name}().{entry_point}(*args, **kwargs)"
        text = f"def {entry_point}(*args, **kwargs):\n    return {call}"
        tree = parse_python(text)
        return Part(tree.body[0], text) if tree is not None else None
    return None
