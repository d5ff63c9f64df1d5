"""Classes of a test's that derive from the solution's: made where their bases are, of the test's functions.

And what is asked of a class or a function as a whole: its signature, what a method does that is overridden.
"""

from __future__ import annotations

import builtins
import types
from typing import Any

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

_BOUND = {property: "property", staticmethod: "static", classmethod: "class"}
_UNSAID = ("__module__", "__qualname__", "__classcell__")
Part = tuple[str, str, Any]


def parts_of(body: dict[str, Any]) -> tuple[Part, ...]:
    """What a class is made of, as it crosses: name, how it is bound, value."""
    parts: list[Part] = []
    for name, value in body.items():
        how = _BOUND.get(type(value), "")
        if name not in _UNSAID:
            inner: Any = (value.fget, value.fset, value.fdel) if how == "property" else value
            parts.append((name, how, inner.__func__ if how in ("static", "class") else inner))
    return tuple(parts)


def made(name: str, bases: tuple[type, ...], parts: tuple[Part, ...]) -> type:
    """The class, where its bases are."""
    bound: dict[str, Any] = {"": lambda value: value, "static": staticmethod, "class": classmethod}
    bound["property"] = lambda ways: property(*ways)
    body = {key: bound[how](value) for key, how, value in parts}
    body["__module__"] = "solution"
    return types.new_class(name, bases, exec_body=lambda names: names.update(body))


def described(target: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The parameters of a callable, each as name, kind, default and annotation in tuples that are empty where
    there is none; and its annotation likewise. Raises as `inspect.signature` does."""
    import inspect

    found = inspect.signature(target)
    parameters = [
        (one.name, int(one.kind), _given(one.default, one.empty), _given(one.annotation, one.empty))
        for one in found.parameters.values()
    ]
    return tuple(parameters), _given(found.return_annotation, found.empty)


def _given(value: Any, empty: Any) -> tuple[Any, ...]:
    return () if value is empty else (value,)


def signature(told: Any) -> Any:
    """The `inspect.Signature` that `described` tells of."""
    import inspect

    parameters, returned = told
    kinds = [*inspect._ParameterKind]
    made = [
        inspect.Parameter(
            name,
            kinds[kind],
            default=default[0] if default else inspect.Parameter.empty,
            annotation=annotation[0] if annotation else inspect.Parameter.empty,
        )
        for name, kind, default, annotation in parameters
    ]
    return inspect.Signature(made, return_annotation=returned[0] if returned else inspect.Signature.empty)
