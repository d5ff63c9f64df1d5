"""What can be read off a program and its tests without running them: signature, imports, entry point; and
how a program is put behind what its benchmark gives to every one."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from tasks.core.fragments import parse_foreign, parse_python


def called_function(tests: Sequence[str], code: str) -> str:
    """The function of `code` that the tests call; '' when there is none or the text does not parse."""
    try:
        defined = {node.name for node in parse_foreign(code).body if isinstance(node, ast.FunctionDef)}
        trees = [parse_foreign(test) for test in tests]
    except SyntaxError:
        return ""
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in defined:
            return node.func.id
    return ""


def signature_of(code: str, entry_point: str) -> str:
    """`def f(a, b=1):` as the code defines it, without annotations; '' when it does not."""
    for node in parse_foreign(code).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            return f"def {entry_point}({ast.unparse(node.args)}):"
    return ""


def imports_of(code: str) -> list[str]:
    """The top-level imports of a program."""
    nodes = [node for node in parse_foreign(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [ast.unparse(node) for node in nodes]


def with_preamble(preamble: str, code: str) -> str:
    """`code` behind `preamble`, but for its imports from `__future__`, which Python wants first."""
    tree = parse_python(code) if preamble else None
    if tree is None:
        return preamble + code
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    # Offsets are those of UTF-8.
    lines = code.encode().splitlines(keepends=True)
    for node in reversed(futures):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        rest = lines[last][node.end_col_offset or 0 :]
        lines[first : last + 1] = [lines[first][: node.col_offset] + b"pass" + rest]
    return "".join(f"{ast.unparse(node)}\n" for node in futures) + preamble + b"".join(lines).decode()
