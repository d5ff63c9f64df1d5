"""Single edits of a syntax tree that make a program slightly wrong, by operator (`OPERATORS`)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.Div: (ast.FloorDiv, ast.Mult),
    ast.FloorDiv: (ast.Mod, ast.Div),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitOr,),
}
_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_NEIGHBOURS = {
    "min": "max",
    "max": "min",
    "sum": "len",
    "len": "sum",
    "any": "all",
    "all": "any",
    "abs": "int",
    "sorted": "list",
    "set": "list",
    "list": "set",
    "int": "round",
    "round": "int",
    "upper": "lower",
    "lower": "upper",
    "title": "capitalize",
    "capitalize": "title",
    "swapcase": "upper",
    "strip": "lstrip",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "find": "rfind",
    "rfind": "find",
    "startswith": "endswith",
    "endswith": "startswith",
    "isupper": "islower",
    "islower": "isupper",
    "isalpha": "isalnum",
    "isalnum": "isalpha",
    "isdigit": "isalpha",
    "keys": "values",
    "values": "keys",
    "floor": "ceil",
    "ceil": "floor",
    "union": "intersection",
    "intersection": "union",
}
_ONE_WAY = ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow | ast.LShift | ast.RShift
_REMOVABLE = (
    *(ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.Return, ast.Raise, ast.Assert),
    *(ast.Break, ast.Continue, ast.Delete),
)


@dataclass(frozen=True, slots=True)
class Edit:
    """Fields of one node with their new contents. Lists are replaced whole, so an edit can be undone."""

    node: ast.AST
    changes: dict[str, Any]
    line: int


class Surroundings:
    """What a node does not say itself: constants that nobody reads as such, a return's function."""

    def __init__(self, tree: ast.Module) -> None:
        self.excluded: set[int] = set()
        self._first_argument: dict[int, str] = {}
        for node in ast.walk(tree):
            for part in _excluded_parts(node):
                self.excluded.update(id(inner) for inner in ast.walk(part) if isinstance(inner, ast.Constant))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [arg.arg for arg in node.args.args if arg.arg not in ("self", "cls")]
                # A walk meets inner functions later: a return ends with its own function's argument.
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return):
                        self._first_argument[id(inner)] = names[0] if names else ""

    def first_argument(self, node: ast.Return) -> str:
        return self._first_argument.get(id(node), "")


def _excluded_parts(node: ast.AST) -> list[ast.AST]:
    """Annotations, docstrings and the texts of f-strings; bounds of slices, which `_slice` edits."""
    parts: list[ast.AST | None] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
    if isinstance(node, ast.JoinedStr):
        parts += node.values
    if isinstance(node, ast.Slice):
        parts += [node.lower, node.upper, node.step]
    if _is_text(node):
        parts.append(node)
    return [part for part in parts if part is not None]


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring or another constant that does nothing."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _edit(at: ast.AST, node: ast.AST, **changes: object) -> Edit:
    return Edit(node, changes, getattr(at, "lineno", 1))


def _with(items: Sequence[Any], index: int, item: object) -> list[Any]:
    return [*items[:index], item, *items[index + 1 :]]


def _shifted(bound: ast.expr, by: int) -> ast.expr:
    """The bound plus or minus one: a number where it is a number, else an expression."""
    number = bound.operand if isinstance(bound, ast.UnaryOp) and isinstance(bound.op, ast.USub) else bound
    if isinstance(number, ast.Constant) and type(number.value) is int:
        return ast.Constant((number.value if number is bound else -number.value) + by)
    return ast.BinOp(bound, ast.Add() if by > 0 else ast.Sub(), ast.Constant(1))


def _negation(test: ast.expr) -> ast.expr:
    return (
        test.operand
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        else ast.UnaryOp(ast.Not(), test)
    )


def _arithmetic(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """`-` for `+` and the like; a sign lost."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield _edit(node, node, op=ast.UAdd())
    if isinstance(node, ast.AugAssign) or (isinstance(node, ast.BinOp) and not _about_text(node)):
        for kind in _ARITHMETIC.get(type(node.op), ()):
            yield _edit(node, node, op=kind())


def _about_text(node: ast.BinOp) -> bool:
    """Whether the operator visibly joins or formats: another one could only raise TypeError."""
    return any(
        isinstance(side, ast.JoinedStr | ast.List)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in (node.left, node.right)
    )


def _comparison(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """The opposite comparison."""
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            yield _edit(node, node, ops=_with(node.ops, index, _COMPARISON[type(op)]()))


def _boundary(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """`<=` for `<` and the like; a `range` that is one too long or too short."""
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            if type(op) in _BOUNDARY:
                yield _edit(node, node, ops=_with(node.ops, index, _BOUNDARY[type(op)]()))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        for index, argument in enumerate(node.args[:2]):
            if not isinstance(argument, ast.Starred):
                for by in (-1, 1):
                    yield _edit(node, node, args=_with(node.args, index, _shifted(argument, by)))


def _boolean(node: ast.AST, around: Surroundings) -> Iterator[Edit]:
    """`or` for `and`, False for True, a `not` too many."""
    if isinstance(node, ast.BoolOp):
        yield _edit(node, node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.Constant) and isinstance(node.value, bool) and id(node) not in around.excluded:
        yield _edit(node, node, value=not node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _edit(node, node, operand=ast.UnaryOp(ast.Not(), node.operand))


def _constant(node: ast.AST, around: Surroundings) -> Iterator[Edit]:
    """A number one off; a text emptied or filled."""
    if not isinstance(node, ast.Constant) or id(node) in around.excluded:
        return
    value = node.value
    if isinstance(value, str):
        yield _edit(node, node, value="" if value else " ")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield _edit(node, node, value=value + 1)
        if value > 0:
            yield _edit(node, node, value=value - 1)


def _slice(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """A slice that begins or ends one item off."""
    if not isinstance(node, ast.Slice):
        return
    for field, bound, limit in (("lower", node.lower, 1), ("upper", node.upper, -1)):
        if bound is None:
            yield _edit(node, node, **{field: ast.Constant(limit)})
        else:
            for by in (-1, 1):
                yield _edit(node, node, **{field: _shifted(bound, by)})


def _removed(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """A statement left out; not one of a `while` loop's own, since most such loops would never end."""
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(node, field, None)
        if not isinstance(statements, list) or isinstance(node, ast.While):
            continue
        for index, statement in enumerate(statements):
            if isinstance(statement, _REMOVABLE) and not _is_text(statement):
                yield _edit(statement, node, **{field: _with(statements, index, ast.Pass())})


def _swapped(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """Two neighbouring arguments of a call, or the sides of an operator, the wrong way round."""
    if isinstance(node, ast.Call):
        for index, (one, two) in enumerate(zip(node.args, node.args[1:], strict=False)):
            if not isinstance(one, ast.Starred) and not isinstance(two, ast.Starred):
                yield _edit(node, node, args=_with(_with(node.args, index, two), index + 1, one))
    if isinstance(node, ast.BinOp) and isinstance(node.op, _ONE_WAY) and not _about_text(node):
        yield _edit(node, node, left=node.right, right=node.left)


def _neighbour(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """A known function's neighbour: `max` for `min`, `lower` for `upper`."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Name) and function.id in _NEIGHBOURS:
        yield _edit(node, function, id=_NEIGHBOURS[function.id])
    if isinstance(function, ast.Attribute) and function.attr in _NEIGHBOURS:
        yield _edit(node, function, attr=_NEIGHBOURS[function.attr])


def _negated(node: ast.AST, _: Surroundings) -> Iterator[Edit]:
    """A condition turned into its opposite."""
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield _edit(node, node, test=_negation(node.test))
    if isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            yield _edit(test, node, ifs=_with(node.ifs, index, _negation(test)))


def _returned(node: ast.AST, around: Surroundings) -> Iterator[Edit]:
    """Another result: True or False for a truth, else None or the first argument as it came."""
    if not isinstance(node, ast.Return) or node.value is None:
        return
    negation = isinstance(node.value, ast.UnaryOp) and isinstance(node.value.op, ast.Not)
    if negation or isinstance(node.value, ast.Compare | ast.BoolOp):
        results: list[ast.expr] = [ast.Constant(True), ast.Constant(False)]
    else:
        argument = around.first_argument(node)
        results = [ast.Constant(None), *([ast.Name(argument, ast.Load())] if argument else [])]
    for result in results:
        yield _edit(node, node, value=result)


OPERATORS: dict[str, Callable[[ast.AST, Surroundings], Iterator[Edit]]] = {
    "arithmetic": _arithmetic,
    "comparison": _comparison,
    "boolean": _boolean,
    "constant": _constant,
    "boundary": _boundary,
    "slice": _slice,
    "removed statement": _removed,
    "swapped arguments": _swapped,
    "another function": _neighbour,
    "negated condition": _negated,
    "return value": _returned,
}
