"""The text of a syntax tree as its author wrote it: quotes, `10 ** 6` and line breaks included.

`ast.unparse` writes every text in a style of its own. Where a statement, or a part of it, stands in the text
that it was parsed from, that text is taken, and only what was put together anew is written by `ast.unparse`.
Whatever is given parses to the tree that was asked for.
"""

from __future__ import annotations

import ast
from typing import TypeVar

from tasks.core.fragments import parse_foreign

Node = TypeVar("Node", bound=ast.AST)
_HOLE = "written_{}_"
# What is one thing wherever it stands.
_CLOSED = ast.Constant | ast.Name | ast.List | ast.Set | ast.Dict | ast.Call | ast.Attribute | ast.Subscript


class Author:
    """The text that trees were parsed from: the line numbers of their nodes are lines of it."""

    def __init__(self, text: str) -> None:
        self._lines = [line.encode("utf-8", "surrogatepass") for line in text.split("\n")]
        # Tests share their setup. The statements are held, so that no other one gets the id of one of them.
        self._known: dict[int, tuple[ast.stmt, str]] = {}

    def text_of(self, statement: ast.stmt) -> str:
        """A statement in its author's words, as far as it has any. Raises what `ast.unparse` raises:
        `RecursionError` for a deep one, `ValueError` for an integer of more digits than Python writes."""
        if id(statement) not in self._known:
            text = self.segment(statement)
            if not _is_text_of(text, statement):
                text = self._put_together(statement)
            self._known[id(statement)] = statement, text
        return self._known[id(statement)][1]

    def segment(self, node: ast.stmt | ast.expr) -> str:
        """Where a node stands, without the indent of its first line; "" for one that was not parsed."""
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", None) or 0
        start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", None) or 0
        decorators = getattr(node, "decorator_list", [])
        if decorators:
            first = getattr(decorators[0], "lineno", 0)
        if not 0 < first <= last <= len(self._lines):
            return ""
        lines = self._lines[first - 1 : last]
        lines[-1] = lines[-1][:end]
        indent, lines[0] = lines[0][:start], lines[0][start:]
        if not indent.strip():
            lines[1:] = [line.removeprefix(indent) for line in lines[1:]]
        return b"\n".join(lines).decode("utf-8", "replace")

    def _put_together(self, statement: ast.stmt) -> str:
        """What `ast.unparse` writes around the largest expressions that have a text of their own."""
        plain = ast.unparse(ast.fix_missing_locations(statement))
        parts: list[tuple[ast.expr, str]] = []
        pattern = ast.unparse(ast.fix_missing_locations(self._with_holes(statement, parts)))
        for bracketed in (False, True):
            text = pattern
            for number, (part, own) in enumerate(parts):
                brackets = bracketed and not isinstance(part, _CLOSED)
                text = text.replace(_HOLE.format(number), f"({own})" if brackets else own)
            if _is_text_of(text, statement):
                return text
        return plain

    def _with_holes(self, node: Node, parts: list[tuple[ast.expr, str]]) -> Node:
        """A copy with a name in the place of every expression that is a part."""

        def filled(value: object) -> object:
            if isinstance(value, list):
                return [filled(one) for one in value]
            # What stands inside of an f-string does not know where.
            if not isinstance(value, ast.AST) or isinstance(value, ast.JoinedStr):
                return value
            if isinstance(value, ast.expr) and _is_text_of(own := self.segment(value), value):
                parts.append((value, own))
                return ast.Name(id=_HOLE.format(len(parts) - 1), ctx=ast.Load())
            return self._with_holes(value, parts)

        fields = {name: filled(value) for name, value in ast.iter_fields(node)}
        return type(node)(**fields)


def _is_text_of(text: str, node: ast.stmt | ast.expr) -> bool:
    """Whether a text parses to a node and to nothing else."""
    if not text:
        return False
    try:
        parsed = parse_foreign(f"({text})" if isinstance(node, ast.expr) else text)
        (statement,) = parsed.body
    except (SyntaxError, ValueError, MemoryError):
        return False
    if isinstance(node, ast.expr):
        return isinstance(statement, ast.Expr) and ast.dump(statement.value) == ast.dump(node)
    return ast.dump(statement) == ast.dump(node)
