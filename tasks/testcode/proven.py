"""Which bodies of tests mean the same as statements of their file: the small subset that is taken apart.

Everything else runs as the function that it is (`tasks.testcode.whole`). By syntax alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from tasks.testcode.names import bound_names, free_names
from tasks.testcode.statements import is_constant, stops
from tasks.testcode.styles import is_raises

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = _FUNCTIONS | ast.ClassDef
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
# What sees the names around it, or changes them by text.
_SCOPES = {"locals", "globals", "vars", "dir", "exec", "eval"}


def is_straight(body: Sequence[ast.stmt], arguments: Iterable[str]) -> bool:
    """Whether each name of a function's body is bound before it is read, wherever its branches lead, and
    nothing in it unbinds a name, declares one of another scope or looks at its scope."""
    returns = {*own_parts([one for one in body if not isinstance(one, ast.Return)])}
    for part in (one for statement in body for one in ast.walk(statement)):
        if isinstance(part, ast.Global | ast.Nonlocal | ast.Delete) and not _is_of_parts(part):
            return False
        if isinstance(part, ast.Name) and part.id in _SCOPES:
            return False
        if isinstance(part, ast.Return | ast.Yield | ast.YieldFrom) and part in returns:
            return False
    own = own_names(body)
    return _bound_after(body, {*arguments}, own) is not None


def own_names(body: Sequence[ast.stmt]) -> set[str]:
    """The names that a function's body binds in its own scope."""
    return {name for statement in body for name in _binds(statement)}


def _is_of_parts(node: ast.stmt) -> bool:
    """`del x[0]`, which unbinds no name."""
    return isinstance(node, ast.Delete) and not any(isinstance(one, ast.Name) for one in node.targets)


def own_parts(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a body that are no other function's."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _DEFINITIONS | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _binds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _DEFINITIONS):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from bound_names(node)
    elif isinstance(node, _COMPREHENSIONS | ast.Lambda):
        yield from (one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
    else:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        for child in ast.iter_child_nodes(node):
            yield from _binds(child)


def _reads(node: ast.AST | None) -> set[str]:
    """The names that are read, or may be later by a function that is made."""
    if node is None:
        return set()
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, _FUNCTIONS):
        return free_names(node) - {node.name}
    if isinstance(node, ast.Lambda):
        inside = _reads(node.body) - {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
        return inside | _reads(node.args)
    found = set().union(*map(_reads, ast.iter_child_nodes(node)))
    if isinstance(node, _COMPREHENSIONS):
        return found - {name for one in node.generators for name in _binds(one.target)}
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        found.add(node.target.id)
    return found - own_names(node.body) if isinstance(node, ast.ClassDef) else found


def _bound_after(body: Sequence[ast.stmt], bound: set[str], own: set[str]) -> set[str] | None:
    """The names that are surely bound behind a body; None where one is read before it is."""
    for statement in body:
        after = _bound_by(statement, {*bound}, own)
        if after is None:
            return None
        bound = after
    return bound


def _bound_by(node: ast.stmt, bound: set[str], own: set[str]) -> set[str] | None:
    def unbound(*parts: ast.AST | None) -> bool:
        return any(_reads(part) & own - bound for part in parts)

    if isinstance(node, ast.If):
        return None if unbound(node.test) else _either([node.body, node.orelse], bound, own)
    if isinstance(node, ast.For | ast.While):
        if unbound(node.iter if isinstance(node, ast.For) else node.test):
            return None
        inside = bound | ({*_binds(node.target)} if isinstance(node, ast.For) else set())
        ends = [_bound_after(node.body, {*inside}, own), _bound_after(node.orelse, {*bound}, own)]
        return None if None in ends else bound
    if isinstance(node, ast.With):
        if unbound(*(item.context_expr for item in node.items)):
            return None
        bound = bound | {
            name for item in node.items if item.optional_vars for name in _binds(item.optional_vars)
        }
        inside_with = _bound_after(node.body, {*bound}, own)
        return bound if inside_with is not None and is_raises(node) else inside_with
    if isinstance(node, ast.Try):
        if _bound_after(node.finalbody, {*bound}, own) is None:
            return None
        tried = _bound_after([*node.body, *node.orelse], {*bound}, own)
        if tried is None:
            return None
        for handler in node.handlers:
            named = {handler.name} if handler.name else set()
            if unbound(handler.type):
                return None
            caught = _bound_after(handler.body, bound | named, own)
            if caught is None:
                return None
            # The name of an exception is gone behind its handler.
            tried = tried - named if _never_ends(handler.body) else (tried & caught) - named
        return tried | own_names(node.finalbody)
    if unbound(node):
        return None
    return bound | {*_binds(node)}


def _either(ways: Sequence[Sequence[ast.stmt]], bound: set[str], own: set[str]) -> set[str] | None:
    ends = [(_bound_after(way, {*bound}, own), _never_ends(way)) for way in ways]
    found = [end for end, _ in ends if end is not None]
    if len(found) < len(ends):
        return None
    going_on = [end for end, stopped in ends if end is not None and not stopped]
    return set.intersection(*(going_on or found))


def _never_ends(body: Sequence[ast.stmt]) -> bool:
    """Whether nothing behind a body is reached from it."""
    if not body:
        return False
    last = body[-1]
    failed = isinstance(last, ast.Assert) and isinstance(last.test, ast.Constant) and not last.test.value
    fails = isinstance(last, ast.Expr) and ast.unparse(last.value).startswith(("pytest.fail(", "self.fail("))
    return stops(last) or failed or fails


def is_quiet(statement: ast.stmt) -> bool:
    """Whether a statement does nothing that could raise or be seen elsewhere."""
    if isinstance(statement, ast.Expr):
        value = statement.value
        shows = isinstance(value, ast.Call) and ast.unparse(value.func) == "print"
        return isinstance(value, ast.Constant) or (shows and _only_looks(statement))
    if isinstance(statement, ast.Assign):
        named = all(isinstance(one, ast.Name | ast.Attribute) for one in statement.targets)
        return named and (is_constant(statement.value) or _is_empty(statement.value))
    return isinstance(
        statement, ast.Pass | ast.Import | ast.ImportFrom | ast.Global | _FUNCTIONS | ast.ClassDef
    )


def _is_empty(node: ast.expr) -> bool:
    """A literal of data: to make it raises nothing."""
    plain = (
        ast.List | ast.Tuple | ast.Dict | ast.Set | ast.Constant | ast.Name | ast.expr_context | ast.UnaryOp
    )
    return all(isinstance(one, plain | ast.unaryop) for one in ast.walk(node))


def _only_looks(statement: ast.stmt) -> bool:
    calls = [one for one in ast.walk(statement) if isinstance(one, ast.Call)]
    return len(calls) == 1
