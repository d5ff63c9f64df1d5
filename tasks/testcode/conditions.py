"""What a test asks of a call's value beyond equality: `abs(f(2) - 0.3) < 1e-6`, `sorted(f(x)) == [1, 2]`.

A *condition* is an expression over one value, written `_`: literals, arithmetic, comparisons, indexes, and
the functions and methods listed in `safe_eval`, which look at their arguments and change nothing. It is read
as a tree and computed here, over plain data: no text is ever handed to Python. What that costs is bounded by
the sizes of value and expression, since there are no loops.
Whatever goes wrong on the way (a wrong type, a missing index) makes the condition false, as an exception
makes a test fail; so does a value too large for these bounds. An expression that uses anything else, or has a
part that fails here whatever the value is, is no condition, and runs as a check.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from tasks.core.literals import is_plain, literal
from tasks.core.values import ValueFormatError, decode, encode
from tasks.testcode.names import used_names
from tasks.testcode.safe_eval import (
    ARITHMETIC,
    ARITIES,
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    KEYWORDS,
    LONGEST,
    METHODS,
    ORDERLESS,
    TYPES,
    UNARY,
    WRONG,
    TooLargeError,
    arithmetic,
    call_method,
    listed,
    size,
)

VALUE = "_"
_CACHED = 1024
# Deeper ones would depend on how deep the stack is that they are computed on.
_DEEPEST = 50
_Computation = Callable[[Any], Any]
"""From the value in question to the value of an expression. Raises one of `WRONG` where there is none."""


class _UnknownError(Exception):
    """The expression uses what no condition may, or a part of it has no value whatever `_` is."""


@dataclass(frozen=True, slots=True)
class _Known:
    """An expression without `_`: computed once."""

    value: Any

    def __call__(self, _: Any) -> Any:
        return self.value


def condition(test: ast.expr) -> str | None:
    """The canonical text of an expression over `_`, or None if it uses anything that is not listed here."""
    try:
        if _depth(test) > _DEEPEST:
            return None
        _computation(test)
        text = ast.unparse(test)
        _computed(text)
    except (_UnknownError, SyntaxError, MemoryError, RecursionError, ValueError):
        # What can be read once may be too deep, or have too many digits, when it is written again.
        return None
    return text


def holds(text: str, value: Any) -> bool:
    """Whether a decoded value satisfies a condition (a text that `condition` made). Raises nothing."""
    return bool(answer(text, value))


def answer(text: str, value: Any) -> bool | None:
    """The same, None where there is no answer: something of it cannot be asked of this value."""
    try:
        return bool(_computed(text)(value))
    except WRONG:
        return None


@lru_cache(maxsize=_CACHED)
def _computed(text: str) -> _Computation:
    return _computation(ast.parse(text, mode="eval").body)


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def constant(node: ast.expr) -> Any:
    """The plain value of an expression without `_`: of a literal, or of what is computed from literals.

    Raises `ValueFormatError` where there is none.
    """
    try:
        value = literal(node)
    except ValueFormatError:
        if VALUE in used_names(node):
            raise
        value = _constant(node)
    text = encode(value)
    if "{" in text:
        # What could not be read again: a set whose items share one hash.
        decode(text)
    return value


def _constant(node: ast.expr) -> Any:
    try:
        value = _computation(node)(None)
        encode(value)
    except (_UnknownError, *WRONG):
        raise ValueFormatError("not a constant") from None
    if not is_plain(value):
        raise ValueFormatError("not plain data")
    return value


def substituted(text: str, source: str) -> str:
    """Source of a condition with other source in the value's place."""
    places = [
        (node.col_offset, node.end_col_offset or 0)
        for node in ast.walk(ast.parse(text, mode="eval"))
        if isinstance(node, ast.Name) and node.id == VALUE
    ]
    # The text has one line, and columns are counted in bytes.
    code = text.encode()
    for start, end in sorted(places, reverse=True):
        code = code[:start] + source.encode() + code[end:]
    return code.decode()


def _computation(node: ast.expr) -> _Computation:
    """How an expression is computed. Raises `_UnknownError`."""
    match node:
        case ast.Constant(value=known):
            return _Known(known)
        case ast.Name(id=name) if name == VALUE:
            return lambda value: value
        case ast.Name(id=name) if name in TYPES:
            return _Known(TYPES[name])
        case ast.Attribute() if (name := _dotted(node)) in CONSTANTS:
            return _Known(CONSTANTS[name])
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in UNARY:
            return _applied(UNARY[type(sign)], operand)
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str() | bytes())):
            raise _UnknownError
        case ast.BinOp(op=sign, left=left, right=right) if type(sign) in ARITHMETIC:
            return _applied(partial(arithmetic, sign), left, right)
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
    return _applied_to(function, [*map(_computation, operands)])


def _applied_to(function: Callable[..., Any], parts: Sequence[_Computation]) -> _Computation:
    return _folded(lambda value: function(*[part(value) for part in parts]), parts)


def _folded(computation: _Computation, parts: Sequence[_Computation]) -> _Computation:
    """What is the same for every `_`, once and for all: where that has no value, or one that is too large,
    what a test makes of it is not to be told here."""
    if not all(isinstance(part, _Known) for part in parts):
        return computation
    try:
        known = _Known(computation(None))
        if size(known.value) > LONGEST:
            raise TooLargeError
    except WRONG:
        raise _UnknownError from None
    return known


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

    return _folded(choose, parts)


def _compared(signs: Sequence[ast.cmpop], operands: Sequence[ast.expr]) -> _Computation:
    parts = [*map(_computation, operands)]
    for sign, right in zip(signs, operands[1:], strict=True):
        # With anything else `is` asks for one object, which no two processes share.
        single = isinstance(right, ast.Constant) and (right.value is None or isinstance(right.value, bool))
        if isinstance(sign, ast.Is | ast.IsNot) and not single and _dotted(right) not in TYPES:
            raise _UnknownError
    comparisons = [COMPARISONS[type(sign)] for sign in signs]

    def compare(value: Any) -> bool:
        left = parts[0](value)
        for compared, part in zip(comparisons, parts[1:], strict=True):
            right = part(value)
            if not compared(left, right):
                return False
            left = right
        return True

    return _folded(compare, parts)


def _called(node: ast.Call) -> _Computation:
    name = _dotted(node.func)
    if name in FUNCTIONS and len(node.args) in ARITIES.get(name, (1,)):
        options = [str(word.arg) for word in node.keywords]
        if not KEYWORDS.get(name, frozenset()).issuperset(options):
            raise _UnknownError

        def call(*values: Any) -> Any:
            given = len(values) - len(options)
            return FUNCTIONS[name](*values[:given], **dict(zip(options, values[given:], strict=True)))

        args = [_in_any_order(arg) if name in ORDERLESS else _computation(arg) for arg in node.args]
        return _applied_to(call, [*args, *(_computation(word.value) for word in node.keywords)])
    if isinstance(node.func, ast.Attribute) and not node.keywords and _dotted(node.func.value) not in TYPES:
        method = node.func.attr
        if any(method in methods for methods in METHODS.values()):
            return _applied(partial(call_method, method), node.func.value, *node.args)
    raise _UnknownError


def _in_any_order(node: ast.expr) -> _Computation:
    """`list(..)` of what is a set, perhaps, before it is sorted, counted or the like."""
    if isinstance(node, ast.Call) and _dotted(node.func) in ("list", "tuple") and len(node.args) == 1:
        return _applied(listed, node.args[0])
    return _computation(node)


def _dotted(node: ast.expr) -> str:
    """`a` or `a.b`; "" of any other expression."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
