"""Names in syntax trees."""

from __future__ import annotations

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Import = ast.Import | ast.ImportFrom


def mentions(node: ast.AST, name: str) -> bool:
    """Whether the name is used anywhere below the node."""
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def used_names(node: ast.AST) -> set[str]:
    """The names that a statement reads or writes, at any depth."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement defines in its scope."""
    if isinstance(node, Definition):
        return {node.name}
    names = {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    for part in ast.walk(node):
        if isinstance(part, Import):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
    return names


def free_names(node: ast.stmt) -> set[str]:
    """The names that a statement takes from outside: of a function, those it does not bind itself.

    Scopes inside the function are read as one; `global` gives its names back.
    """
    names = used_names(node)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return names
    own: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            own.add(part.arg)
        elif isinstance(part, ast.ExceptHandler) and part.name:
            own.add(part.name)
        elif isinstance(part, ast.stmt) and part is not node:
            own |= bound_names(part)
    outside = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    return (names - own) | global_names(node) | set().union(*map(used_names, outside))


def global_names(node: ast.AST) -> set[str]:
    return {name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names}


def root_of(node: ast.expr) -> str:
    """`a` of `a.b[c].d()`, else ""."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    """`a.b` of such an expression, else ""."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *parts[::-1]]) if isinstance(node, ast.Name) else ""
