"""Names in syntax trees."""

from __future__ import annotations

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef


def mentions(node: ast.AST, name: str) -> bool:
    """Whether the name is used anywhere below the node."""
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
