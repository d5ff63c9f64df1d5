"""Plain values as Python source, and back: the literals of test files."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from typing import Any

from tasks.core.values import LARGE_INT, ValueFormatError, encode


def literal(node: ast.expr) -> Any:
    """The plain value of a literal expression: what `ast.literal_eval` reads, and `float('nan')`.

    Raises `ValueFormatError` when the expression is not a literal.
    """
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ):
        try:
            return float(node.args[0].value)
        except ValueError:
            raise ValueFormatError("not a literal") from None
    try:
        value = ast.literal_eval(node)
        encode(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueFormatError(f"not a literal: {type(error).__name__}") from None
    if not is_plain(value):
        raise ValueFormatError("not plain data")
    return value


def is_plain(value: Any) -> bool:
    """Whether the value is built from exact builtins alone."""
    if type(value) in (list, tuple, set, frozenset):
        return all(is_plain(item) for item in value)
    if type(value) is dict:
        return all(is_plain(item) for pair in value.items() for item in pair)
    return value is None or type(value) in (bool, int, float, complex, str, bytes, range)


def is_json(value: Any) -> bool:
    """Whether JSON has the value, and gives back an equal one."""
    if type(value) is list:
        return all(map(is_json, value))
    if type(value) is dict:
        return all(type(key) is str and is_json(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value))


def to_source(value: Any) -> str:
    """Python source of a plain value; `decode(encode(v))` and this source mean the same value."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, int) and not -LARGE_INT < value < LARGE_INT:
        # Python refuses to write it, and to read it, in decimals.
        return hex(value)
    if isinstance(value, complex):
        return f"complex({to_source(value.real)}, {to_source(value.imag)})"
    if isinstance(value, list):
        return f"[{_join(value)}]"
    if isinstance(value, tuple):
        return f"({_join(value)},)" if len(value) == 1 else f"({_join(value)})"
    if isinstance(value, set | frozenset):
        inner = _join(sorted(value, key=repr))
        if isinstance(value, frozenset):
            return f"frozenset([{inner}])"
        return f"{{{inner}}}" if value else "set()"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_source(k)}: {to_source(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _join(items: Iterable[Any]) -> str:
    return ", ".join(to_source(item) for item in items)
