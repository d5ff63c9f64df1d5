"""What can be read off a program and its tests without running them: signature, imports, entry point."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def called_function(tests: Sequence[str], code: str) -> str:
    """The function of `code` that the tests call; '' when there is none or the text does not parse."""
    try:
        defined = {node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
        trees = [ast.parse(test) for test in tests]
    except SyntaxError:
        return ""
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in defined:
            return node.func.id
    return ""


def signature_of(code: str, entry_point: str) -> str:
    """`def f(a, b=1):` as the code defines it, without annotations; '' when it does not."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            return f"def {entry_point}({ast.unparse(node.args)}):"
    return ""


def imports_of(code: str) -> list[str]:
    """The top-level imports of a program."""
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [ast.unparse(node) for node in nodes]
