"""What a test asks of a call's value beyond equality: `abs(f(2) - 0.3) < 1e-6`, `sorted(f(x)) == [1, 2]`.

A *condition* is an expression over one value, written `_`: literals, arithmetic, comparisons, indexes, and
the functions and methods listed here, which look at their arguments and change nothing. It is read as a tree
and computed by this file alone, over plain data: no text is ever handed to Python. What that costs is bounded
by the sizes of value and expression: there are no loops, numbers stay small, sets refuse hash floods.
Whatever goes wrong on the way (a wrong type, a missing index) makes the condition false, as an exception
makes a test fail. An expression that uses anything else is no condition, and runs as a check.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sandbox_image.testing import approx
from tasks.values import ValueFormatError, encode, is_plain, literal, refuse_hash_flood

VALUE = "_"
# The largest number, in bits, that is computed with.
_BITS = 20_000
# The largest text or list that is made by repetition, and the longest range that is walked through: what
# few characters make long.
_LONGEST = 10_000

_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: lambda left, right: left in _items(right),
    ast.NotIn: lambda left, right: left not in _items(right),
}
_TYPES: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (bool, bytes, complex, dict, float, frozenset, int, list, range, set, str, tuple)
}
_VIEWS: Any = type({}.keys()) | type({}.values()) | type({}.items())
_SETS: Any = set | frozenset | _VIEWS
_CONSTANTS: Mapping[str, float] = {
    f"math.{name}": getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")
}
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset({"count", "endswith", "isdigit", "islower", "isupper", "lower", "split", "startswith"})
    | {"strip", "upper"},
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    range: frozenset({"count", "index"}),
}
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "sorted": frozenset({"reverse"}),
    "math.isclose": frozenset({"rel_tol", "abs_tol"}),
    "pytest.approx": frozenset({"rel", "abs", "nan_ok"}),
}


def _items(value: Any) -> Any:
    """The value, if it may be walked through."""
    if isinstance(value, range) and len(value) > _LONGEST:
        raise ValueError("too long")
    return value


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
    if digits is not None and abs(digits) > _LONGEST:
        raise ValueError("too many digits")
    return round(value, digits)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
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
    "sum": lambda value: sum(_items(value)),
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
_WRONG = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_Computation = Callable[[Any], Any]
"""From the value in question to the value of an expression. Raises one of `_WRONG` where there is none."""


class _UnknownError(Exception):
    """The expression uses what no condition may."""


def condition(test: ast.expr) -> str | None:
    """The canonical text of an expression over `_`, or None if it uses anything that is not listed here."""
    try:
        _computation(test)
        text = ast.unparse(test)
        _known(text)
    except (_UnknownError, SyntaxError, MemoryError, RecursionError, ValueError):
        # What can be read once may be too deep, or have too many digits, when it is written again.
        return None
    return text


def holds(text: str, value: Any) -> bool:
    """Whether a decoded value satisfies a condition. Raises nothing."""
    try:
        return bool(_known(text)(value))
    except _WRONG:
        return False


@lru_cache(maxsize=8192)
def _known(text: str) -> _Computation:
    return _computation(ast.parse(text, mode="eval").body)


def constant(node: ast.expr) -> Any:
    """The plain value of an expression without `_`: of a literal, or of what is computed from literals.

    Raises `ValueFormatError` where there is none.
    """
    try:
        return literal(node)
    except ValueFormatError:
        if any(isinstance(part, ast.Name) and part.id == VALUE for part in ast.walk(node)):
            raise
    try:
        value = _computation(node)(None)
        encode(value)
    except (_UnknownError, *_WRONG):
        raise ValueFormatError("not a constant") from None
    if not is_plain(value):
        raise ValueFormatError("not plain data")
    return value


def substituted(text: str, source: str) -> str:
    """Source of a condition with other source in the value's place."""
    call = ast.parse(source, mode="eval").body

    class Substitute(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return call if node.id == VALUE else node

    return ast.unparse(Substitute().visit(ast.parse(text, mode="eval")))


def _computation(node: ast.expr) -> _Computation:
    """How an expression is computed. Raises `_UnknownError`."""
    match node:
        case ast.Constant(value=known):
            return lambda _: known
        case ast.Name(id=name) if name == VALUE:
            return lambda value: value
        case ast.Name(id=name) if name in _TYPES:
            return lambda _: _TYPES[name]
        case ast.Attribute() if (name := _dotted(node)) in _CONSTANTS:
            return lambda _: _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _applied(_UNARY[type(sign)], operand)
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
            raise _UnknownError
        case ast.BinOp(op=sign, left=left, right=right) if type(sign) in _ARITHMETIC:
            return _applied(partial(_arithmetic, sign), left, right)
        case ast.BoolOp(op=sign, values=operands):
            return _chosen([*map(_computation, operands)], isinstance(sign, ast.Or))
        case ast.List(elts=items):
            return _applied(lambda *values: [*values], *items)
        case ast.Tuple(elts=items):
            return _applied(lambda *values: values, *items)
        case ast.Set(elts=items):
            return _applied(lambda *values: {*values}, *items)
        case ast.Dict(keys=keys, values=items):
            # `{**other}` has a key that is None.
            return _applied(_paired, *[key or ast.Name(id="") for key in keys], *items)
        case ast.Compare(left=first, ops=signs, comparators=others):
            return _compared(signs, [first, *others])
        case ast.Subscript(value=inner, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            bounds = [part or ast.Constant(value=None) for part in (lower, upper, step)]
            return _applied(lambda value, *parts: value[slice(*parts)], inner, *bounds)
        case ast.Subscript(value=inner, slice=index):
            return _applied(operator.getitem, inner, index)
        case ast.Call():
            return _called(node)
    raise _UnknownError


def _applied(function: Callable[..., Any], *operands: ast.expr) -> _Computation:
    parts = [*map(_computation, operands)]
    return lambda value: function(*[part(value) for part in parts])


def _paired(*values: Any) -> dict[Any, Any]:
    half = len(values) // 2
    return dict(zip(values[:half], values[half:], strict=True))


def _chosen(parts: Sequence[_Computation], wanted: bool) -> _Computation:
    """The first value that is as true as `or` (`and`: as false) looks for, else the last."""

    def choose(value: Any) -> Any:
        result: Any = None
        for part in parts:
            result = part(value)
            if bool(result) is wanted:
                break
        return result

    return choose


def _compared(signs: Sequence[ast.cmpop], operands: Sequence[ast.expr]) -> _Computation:
    parts = [*map(_computation, operands)]
    for sign, right in zip(signs, operands[1:], strict=True):
        # With anything else `is` asks for one object, which no two processes share.
        single = isinstance(right, ast.Constant) and (right.value is None or isinstance(right.value, bool))
        if isinstance(sign, ast.Is | ast.IsNot) and not single and _dotted(right) not in _TYPES:
            raise _UnknownError
    comparisons = [_COMPARISONS[type(sign)] for sign in signs]

    def compare(value: Any) -> bool:
        left = parts[0](value)
        for compared, part in zip(comparisons, parts[1:], strict=True):
            right = part(value)
            if not compared(left, right):
                return False
            left = right
        return True

    return compare


def _called(node: ast.Call) -> _Computation:
    name = _dotted(node.func)
    if name in _FUNCTIONS and {word.arg for word in node.keywords} <= _KEYWORDS.get(name, frozenset()):
        options = [str(word.arg) for word in node.keywords]

        def call(*values: Any) -> Any:
            given = len(values) - len(options)
            return _FUNCTIONS[name](*values[:given], **dict(zip(options, values[given:], strict=True)))

        return _applied(call, *node.args, *(word.value for word in node.keywords))
    if isinstance(node.func, ast.Attribute) and not node.keywords and _dotted(node.func.value) not in _TYPES:
        method = node.func.attr
        if any(method in methods for methods in _METHODS.values()):
            return _applied(partial(_asked, method), node.func.value, *node.args)
    raise _UnknownError


def _asked(method: str, owner: Any, *args: Any) -> Any:
    if method not in _METHODS.get(type(owner), ()):
        raise TypeError("no such method")
    return getattr(_items(owner), method)(*args)


def _dotted(node: ast.expr) -> str:
    """`a` or `a.b`; "" of any other expression."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _arithmetic(sign: ast.operator, left: Any, right: Any) -> Any:
    """Python's arithmetic over numbers, of texts, lists and tuples `+` and `*`, of sets `-`, within bounds.

    A text's `%` is left out: its widths would have no bound.
    """
    if isinstance(right, str | list | tuple) and isinstance(sign, ast.Mult):
        left, right = right, left
    if isinstance(left, str | list | tuple) and isinstance(sign, ast.Add | ast.Mult):
        if isinstance(sign, ast.Mult) and _size(left) * right > _LONGEST:
            raise ValueError("too long")
        return _ARITHMETIC[type(sign)](left, right)
    if isinstance(left, _SETS) and isinstance(right, _SETS) and isinstance(sign, ast.Sub):
        return left - right
    for number in (left, right):
        if not isinstance(number, int | float | complex):
            raise TypeError("not a number")
        _refuse_large(number.bit_length() if isinstance(number, int) else 0)
    if isinstance(sign, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        _refuse_large(left.bit_length() * right)
    return _ARITHMETIC[type(sign)](left, right)


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    return sum(map(_size, value)) + 1 if isinstance(value, list | tuple | set | frozenset | dict) else 1


def _refuse_large(bits: int) -> None:
    if bits > _BITS:
        raise OverflowError("too large")
