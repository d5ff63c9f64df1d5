"""Python's operators and functions over plain data, those that change nothing, at a cost that is bounded.

What they mean is what Python means; beyond the bounds they raise `TooLargeError`. The cost of one of them is
bounded by the sizes of its arguments (and, where few characters would make much, by a constant): numbers
stay small, sets refuse hash floods.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from sandbox_image.iterators import Iterated
from sandbox_image.testing import approx
from tasks.core.literals import is_plain
from tasks.core.values import Opaque, refuse_hash_flood

# The largest power, in bits, and the largest product of two numbers' sizes, in bits, that are computed with.
_BITS = 2**18
_BITS_SQUARED = 2**32
# The largest list, tuple or text that is made by repetition, and the longest range that is walked through:
# what few characters make long.
LONGEST = 20_000
# The longest text that a value is turned into: escaped again and again, it would double each time.
_TEXT = 2**22
_FLOAT_BITS = 1100


class TooLargeError(ValueError):
    """What would have to be computed is beyond the bounds."""


# What goes wrong where an operator or a function has no value.
WRONG = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, TypeError),
    ValueError,
)


def size(value: Any) -> int:
    """How much a value is: the characters of its texts, the words of its numbers, one at least an item."""
    if isinstance(value, str | bytes):
        return 1 + len(value)
    if isinstance(value, dict):
        return 1 + sum(map(size, value)) + sum(map(size, value.values()))
    if isinstance(value, list | tuple | deque | set | frozenset | _VIEWS):
        return 1 + sum(map(size, value))
    if isinstance(value, Iterated):
        return 1 + sum(map(size, value.items))
    if isinstance(value, range):
        return sum(map(size, (value.start, value.stop, value.step)))
    return 1 + _bits(value) // 64


def _items(value: Any) -> Any:
    """The value, if it may be walked through."""
    if isinstance(value, range) and value[LONGEST:]:
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
    several = isinstance(value, set | frozenset) and len(value) > 1
    if several and not all(isinstance(item, int) for item in value):
        raise TypeError("no order")
    return _items(value)


def listed(value: Any) -> list[Any]:
    """Its items, in whatever order they come."""
    return [*_items(value)]


def _hashed(value: Any = ()) -> list[Any]:
    items = [*_items(value)]
    refuse_hash_flood(items)
    return items


def _dict(value: Any = ()) -> dict[Any, Any]:
    pairs = [*(value.items() if isinstance(value, dict) else _items(value))]
    refuse_hash_flood([key for key, _ in pairs])
    return dict(pairs)


def _text(value: Any = "") -> str:
    _refuse_unordered(value)
    text = str(value)
    if len(text) > _TEXT:
        raise TooLargeError
    return text


def _refuse_unordered(value: Any) -> None:
    if isinstance(value, dict):
        value = [*value.items()]
    if isinstance(value, list | tuple | deque | set | frozenset | _VIEWS):
        for item in _in_order(value):
            _refuse_unordered(item)
    elif not isinstance(value, int | float | complex | str | bytes | range | type | None | Opaque):
        raise TypeError("looks otherwise in another process")


def _round(value: Any, digits: int | None = None) -> Any:
    if isinstance(value, int) and digits is not None and digits < -(_bits(value) // 3 + 2):
        return 0
    # Whole digits of an integer are cut off by a division.
    _refuse_product(_bits(value), 4 * abs(digits or 0))
    return round(value, digits)


def _sum(value: Any) -> Any:
    numbers = [*_items(value)]
    _refuse_product(max(map(_bits, numbers), default=0), len(numbers))
    return sum(numbers)


def _approx(expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> Any:
    if max(map(_bits, (rel, abs))) > _FLOAT_BITS:
        raise TooLargeError
    return approx(_items(expected), rel, abs, nan_ok)


def arithmetic(sign: ast.operator, left: Any, right: Any) -> Any:
    """Python's arithmetic over numbers; of texts, bytes and sequences `+` and `*`, of sets `-`.

    A text's `%` is left out: its widths would have no bound. Raises one of `WRONG`.
    """
    operator_ = ARITHMETIC[type(sign)]
    if isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES) and isinstance(sign, ast.Add):
        return operator_(left, right)
    if isinstance(sign, ast.Mult) and isinstance(left, int) and isinstance(right, _SEQUENCES):
        left, right = right, left
    if isinstance(sign, ast.Mult) and isinstance(left, _SEQUENCES) and isinstance(right, int):
        if size(left) * right > LONGEST:
            raise TooLargeError
        return left * right
    if isinstance(sign, ast.Sub) and isinstance(left, set | frozenset) and isinstance(right, set | frozenset):
        return left - right
    if isinstance(sign, ast.Sub) and (isinstance(left, _KEYED) or isinstance(right, _KEYED)):
        return {*_hashed(left)} - {*_hashed(right)}
    for number in (left, right):
        if not isinstance(number, int | float | complex):
            raise TypeError("not a number")
    if isinstance(sign, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        if _bits(abs(left) - 1) * right > _BITS:
            raise TooLargeError
    elif not isinstance(sign, ast.Add | ast.Sub):
        _refuse_product(_bits(left), _bits(right))
    return operator_(left, right)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 1


def _refuse_product(left: int, right: int) -> None:
    if left * right > _BITS_SQUARED:
        raise TooLargeError


def call_method(method: str, owner: Any, *args: Any) -> Any:
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
_KEYED: Any = type({}.keys()) | type({}.items())
_SEQUENCES: Any = str | bytes | list | tuple | deque
CONSTANTS: Mapping[str, float] = {
    f"math.{name}": getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")
}
_OF_TEXTS = frozenset(
    {"count", "endswith", "index", "isdigit", "islower", "isupper", "lower", "split", "startswith", "strip"}
    | {"upper"}
)
_OF_SEQUENCES = frozenset({"count", "index"})
_OF_MAPPINGS = frozenset({"get", "items", "keys", "values"})
METHODS: Mapping[type, frozenset[str]] = {
    **dict.fromkeys((str, bytes), _OF_TEXTS),
    **dict.fromkeys((list, tuple, range, deque), _OF_SEQUENCES),
    **dict.fromkeys((dict, Counter, OrderedDict, defaultdict), _OF_MAPPINGS),
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
    "sorted": lambda value, *, reverse=False: sorted(_items(value), reverse=reverse),
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
    "pytest.approx": _approx,
}
# How many arguments without a name they take, where that is not one.
ARITIES: Mapping[str, range] = {
    **dict.fromkeys(("bool", "dict", "float", "frozenset", "list", "set", "str", "tuple"), range(2)),
    **dict.fromkeys(("complex", "int"), range(3)),
    "round": range(1, 3),
    **dict.fromkeys(("isinstance", "math.isclose"), range(2, 3)),
    **dict.fromkeys(("max", "min"), range(1, 100)),
    "pytest.approx": range(1, 5),
    "range": range(1, 4),
}
# What makes the same of a collection in any order.
ORDERLESS = frozenset({"all", "any", "frozenset", "len", "max", "min", "set", "sorted", "sum"})
