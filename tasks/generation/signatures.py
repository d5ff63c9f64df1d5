"""The signature of a function to write: on one line, of a plain function, with all that it names at hand.

An annotation is evaluated when the function is defined. What a signature names beyond the builtins is
imported from the standard library, in the prompt and so in every program; with anything else none can run.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import typing
from dataclasses import dataclass

from tasks.core.fragments import parse_python
from tasks.testcode.names import bound_names, used_names

_MODULES = {
    *("collections", "datetime", "decimal", "enum", "fractions", "functools", "itertools", "math", "numbers"),
    *("operator", "pathlib", "re", "string", "typing"),
}
_PLACES = dict.fromkeys(typing.__all__, "typing") | {
    **dict.fromkeys(("ChainMap", "Counter", "OrderedDict", "defaultdict", "deque"), "collections"),
    **dict.fromkeys(("date", "datetime", "time", "timedelta", "timezone"), "datetime"),
    "Decimal": "decimal",
    "Fraction": "fractions",
    "Number": "numbers",
    "Path": "pathlib",
}


@dataclass(frozen=True, slots=True)
class BadSignature:
    """Why no program with this signature could be written: a clause that follows "the signature"."""

    reason: str


def clean_signature(signature: str) -> str:
    """`def f(a, b):` on one line, whatever the colon and the spaces were."""
    line = " ".join(signature.split())
    line = line.removesuffix("...").removesuffix("pass").rstrip()
    return line.rstrip(":").rstrip() + ":"


def plain_signature(signature: str, entry_point: str) -> str | BadSignature:
    """The signature of a function that tests can call: that of a method is one without its `self`."""
    line = clean_signature(signature)
    function = _function(line)
    if function is None or function.name != entry_point:
        return BadSignature(f"is no `def {entry_point}(..):`")
    first = next(iter([*function.args.posonlyargs, *function.args.args]), None)
    if first is not None and first.arg in ("self", "cls"):
        others = [*function.args.posonlyargs, *function.args.args][1:]
        if not others and not function.args.vararg and not function.args.kwonlyargs:
            return BadSignature("is a method's, and has no argument but the object")
        (function.args.posonlyargs or function.args.args).pop(0)
        returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
        line = f"def {entry_point}({ast.unparse(function.args)}){returns}:"
    if missing := [*sorted(_names(line) - _PLACES.keys() - _MODULES), *_absent(line)]:
        return BadSignature(f"uses {missing[0]}, which neither Python nor its standard library has")
    return line


def imports_of(signature: str, given: str = "") -> list[str]:
    """The lines that import what a plain signature names, but for what `given` code binds already."""
    tree = parse_python(given)
    bound: set[str] = set().union(*map(bound_names, tree.body)) if tree is not None and tree.body else set()
    modules, names = set(), dict[str, set[str]]()
    for name in _names(signature) - bound:
        if name in _MODULES and (name not in _PLACES or f"{name}." in signature):
            modules.add(name)
        elif name in _PLACES:
            names.setdefault(_PLACES[name], set()).add(name)
    plain = [f"import {module}" for module in sorted(modules)]
    return plain + [f"from {place} import {', '.join(sorted(names[place]))}" for place in sorted(names)]


def _absent(line: str) -> list[str]:
    """`typing.X` and the like where the module has no `X`."""
    function = _function(line)
    return [
        f"{part.value.id}.{part.attr}"
        for part in (ast.walk(function) if function else ())
        if isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id in _MODULES
        and not hasattr(importlib.import_module(part.value.id), part.attr)
    ]


def _function(line: str) -> ast.FunctionDef | None:
    tree = parse_python(f"{line}\n    pass")
    body = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    return body if isinstance(body, ast.FunctionDef) else None


def _names(line: str) -> set[str]:
    """What annotations and defaults name that is no builtin. An annotation that is a text names nothing."""
    function = _function(line)
    return {name for name in used_names(function) if not hasattr(builtins, name)} if function else set()
