"""Python's operators and functions over plain data, those that change nothing, at a cost that is bounded.

What they mean is what Python means; beyond the bounds they raise `TooLargeError`. The cost of one of them is
bounded by the sizes of its arguments (and, where few characters would make much, by a constant): numbers
stay small, sets refuse hash floods.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from sandbox_image.testing import approx
from tasks.values import is_plain, refuse_hash_flood

# The largest power, in bits, and the largest product of two numbers' sizes, in bits, that are computed with.
_BITS = 2**18
_BITS_SQUARED = 2**32
# The largest text or list that is made by repetition, and the longest range that is walked through: what
# few characters make long.
_LONGEST = 100_000


class TooLargeError(ValueError):
    """What would have to be computed is beyond the bounds."""


# What goes wrong where an operator or a function has no value.
WRONG = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def _items(value: Any) -> Any:
    """The value, if it may be walked through."""
    if isinstance(value, range) and value[_LONGEST:]:
        raise TooLargeError
    return value


def _is_in(item: Any, items: Any) -> bool:
    if not isinstance(items, range) or not is_plain(item):
        return item in _items(items)
    # Where a range has an integer is computed, not looked up; nothing else but a number is in one.
    number = item.real if isinstance(item, complex) and not item.imag else item
    whole = int(number) if isinstance(number, float) and number.is_integer() else number
    return isinstance(whole, int) and whole in items


def _in_order(value: Any) -> Any:
    # Of texts and the like, a set has another order in another process.
    if isinstance(value, set | frozenset) and not all(isinstance(item, int) for item in value):
        raise TypeError("no order")
    return _items(value)


def _hashed(value: Any = ()) -> list[Any]:
    items = [*_items(value)]
    refuse_hash_flood(items)
    return items


def _dict(value: Any = ()) -> dict[Any, Any]:
    pairs = [*(value.items() if isinstance(value, dict) else _items(value))]
    refuse_hash_flood([key for key, _ in pairs])
    return dict(pairs)


def _text(value: Any) -> str:
    _refuse_unordered(value)
    return str(value)


def _refuse_unordered(value: Any) -> None:
    if isinstance(value, dict):
        value = [*value.items()]
    if isinstance(value, list | tuple | deque | set | frozenset | _VIEWS):
        for item in _in_order(value):
            _refuse_unordered(item)
    elif not isinstance(value, int | float | complex | str | bytes | range | type | None):
        raise TypeError("looks otherwise in another process")


def _round(value: Any, digits: int | None = None) -> Any:
    # Whole digits of an integer are cut off by a division.
    _refuse_product(_bits(value), 4 * abs(digits or 0))
    return round(value, digits)


def _sum(value: Any) -> Any:
    numbers = [*_items(value)]
    _refuse_product(max(map(_bits, numbers), default=0), len(numbers))
    return sum(numbers)


def arithmetic(sign: ast.operator, left: Any, right: Any) -> Any:
    """Python's arithmetic over numbers; of texts, lists and tuples `+` and `*`, of sets `-`.

    A text's `%` is left out: its widths would have no bound. Raises one of `WRONG`.
    """
    if isinstance(right, str | list | tuple) and isinstance(sign, ast.Mult):
        left, right = right, left
    if isinstance(left, str | list | tuple) and isinstance(sign, ast.Add | ast.Mult):
        if isinstance(sign, ast.Mult) and _size(left) * right > _LONGEST:
            raise TooLargeError
        return ARITHMETIC[type(sign)](left, right)
    if isinstance(left, _SETS) and isinstance(right, _SETS) and isinstance(sign, ast.Sub):
        return left - right
    for number in (left, right):
        if not isinstance(number, int | float | complex):
            raise TypeError("not a number")
    if isinstance(sign, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        if _bits(abs(left) - 1) * right > _BITS:
            raise TooLargeError
    elif not isinstance(sign, ast.Add | ast.Sub):
        _refuse_product(_bits(left), _bits(right))
    return ARITHMETIC[type(sign)](left, right)


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, list | tuple | set | frozenset | dict):
        return max(1, sum(map(_size, value)))
    return 1 + _bits(value) // 64


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 1


def _refuse_product(left: int, right: int) -> None:
    if left * right > _BITS_SQUARED:
        raise TooLargeError


def asked(method: str, owner: Any, *args: Any) -> Any:
    """What a listed method of the exact type of `owner` returns. Raises TypeError for any other method."""
    if method not in METHODS.get(type(owner), ()):
        raise TypeError("no such method")
    return getattr(_items(owner), method)(*args)


UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: _is_in,
    ast.NotIn: lambda left, right: not _is_in(left, right),
}
TYPES: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (bool, bytes, complex, dict, float, frozenset, int, list, range, set, str, tuple)
}
_VIEWS: Any = type({}.keys()) | type({}.values()) | type({}.items())
_SETS: Any = set | frozenset | _VIEWS
CONSTANTS: Mapping[str, float] = {
    f"math.{name}": getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")
}
METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset({"count", "endswith", "isdigit", "islower", "isupper", "lower", "split", "startswith"})
    | {"strip", "upper"},
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    range: frozenset({"count", "index"}),
}
KEYWORDS: Mapping[str, frozenset[str]] = {
    "sorted": frozenset({"reverse"}),
    "math.isclose": frozenset({"rel_tol", "abs_tol"}),
    "pytest.approx": frozenset({"rel", "abs", "nan_ok"}),
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "all": lambda value: all(_items(value)),
    "any": lambda value: any(_items(value)),
    "bool": bool,
    "complex": complex,
    "dict": _dict,
    "float": float,
    "frozenset": lambda *values: frozenset(_hashed(*values)),
    "int": int,
    "isinstance": isinstance,
    "len": len,
    "list": lambda *values: list(*map(_in_order, values)),
    "max": lambda *values: max(*map(_items, values)),
    "min": lambda *values: min(*map(_items, values)),
    "range": range,
    "round": _round,
    "set": lambda *values: set(_hashed(*values)),
    "sorted": lambda value, reverse=False: sorted(_items(value), reverse=reverse),
    "str": _text,
    "sum": _sum,
    "tuple": lambda *values: tuple(*map(_in_order, values)),
    "type": lambda value: type(value),
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "math.isclose": math.isclose,
    "math.isfinite": math.isfinite,
    "math.isinf": math.isinf,
    "math.isnan": math.isnan,
    "math.sqrt": math.sqrt,
    "pytest.approx": lambda expected, **options: approx(_items(expected), **options),
}
