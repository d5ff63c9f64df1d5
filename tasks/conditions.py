"""What a test asks of a call's value beyond equality: `abs(f(2) - 0.3) < 1e-6`, `sorted(f(x)) == [1, 2]`.

A *condition* is an expression over one value, written `_`: literals, arithmetic, comparisons, indexes, and
the functions and methods listed in `bounded`, which look at their arguments and change nothing. It is read
as a tree and computed here, over plain data: no text is ever handed to Python. What that costs is bounded by
the sizes of value and expression, since there are no loops.
Whatever goes wrong on the way (a wrong type, a missing index) makes the condition false, as an exception
makes a test fail; so does a value too large for these bounds. An expression that uses anything else, or that
is too large whatever the value is, is no condition, and runs as a check.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from tasks.bounded import (
    ARITHMETIC,
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    KEYWORDS,
    METHODS,
    TYPES,
    UNARY,
    WRONG,
    TooLargeError,
    arithmetic,
    asked,
)
from tasks.testslices import used_names
from tasks.values import ValueFormatError, encode, is_plain, literal

VALUE = "_"
_Computation = Callable[[Any], Any]
"""From the value in question to the value of an expression. Raises one of `WRONG` where there is none."""


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
    return None if _is_too_large(test) else text


def _is_too_large(test: ast.expr) -> bool:
    """Whether any part that is the same for every value is beyond the bounds."""
    for part in ast.walk(test):
        if isinstance(part, ast.expr) and VALUE not in used_names(part):
            try:
                _computation(part)(None)
            except TooLargeError:
                return True
            except (_UnknownError, *WRONG):
                continue
    return False


def holds(text: str, value: Any) -> bool:
    """Whether a decoded value satisfies a condition. Raises nothing."""
    try:
        return bool(_known(text)(value))
    except WRONG:
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
        if VALUE in used_names(node):
            raise
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
        case ast.Name(id=name) if name in TYPES:
            return lambda _: TYPES[name]
        case ast.Attribute() if (name := _dotted(node)) in CONSTANTS:
            return lambda _: CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in UNARY:
            return _applied(UNARY[type(sign)], operand)
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
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

    return compare


def _called(node: ast.Call) -> _Computation:
    name = _dotted(node.func)
    if name in FUNCTIONS and {word.arg for word in node.keywords} <= KEYWORDS.get(name, frozenset()):
        options = [str(word.arg) for word in node.keywords]

        def call(*values: Any) -> Any:
            given = len(values) - len(options)
            return FUNCTIONS[name](*values[:given], **dict(zip(options, values[given:], strict=True)))

        return _applied(call, *node.args, *(word.value for word in node.keywords))
    if isinstance(node.func, ast.Attribute) and not node.keywords and _dotted(node.func.value) not in TYPES:
        method = node.func.attr
        if any(method in methods for methods in METHODS.values()):
            return _applied(partial(asked, method), node.func.value, *node.args)
    raise _UnknownError


def _dotted(node: ast.expr) -> str:
    """`a` or `a.b`; "" of any other expression."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
