"""Python that stands among other text: the statements that can be read, and the lines that cannot.

A top-level statement is there whole or not at all: half a function would be one that nobody wrote. The work
is bounded by the length of the text, whatever it holds.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

# Characters that are read again because the first reading did not parse: so many, and for each one of the
# text so many more, up to a limit.
_WORK_LEAST = 500_000
_WORK_EACH = 20
_WORK_MOST = 3_000_000
_TOKENS = 500
_TOKEN = re.compile(
    r"(?P<triple>'''|\"\"\")|\"(?:\\[\s\S]|[^\"\\\n])*\"?|'(?:\\[\s\S]|[^'\\\n])*'?|\#[^\n]*"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<line>\n(?=\S))"
)
_ESCAPED = re.compile(r"\\[\s\S]|'''|\"\"\"")
# What goes on with the statement before it, in the first column.
_GOES_ON = re.compile(r"[#)\]}]|(?:else|elif|except|finally)\b")
_NEXT = re.compile(r"\n(?=\S)")
MAX_DEPTH = 150
"""Of a syntax tree that is changed or written back. The standard library's ways to do so call themselves for
every level, and Python gives up at 1,000 calls, wherever the first of them stands."""


@dataclass(frozen=True, slots=True)
class Part:
    """A top-level statement, and its source without what stands around it."""

    node: ast.stmt
    text: str


@dataclass(frozen=True, slots=True)
class Fragments:
    """What was read of a text. `skipped`: lines that are no Python, those one after another as one text;
    `at_end`: whether the last statement ends where the text ends; `work`: characters that were read again."""

    parts: tuple[Part, ...]
    skipped: tuple[str, ...] = ()
    at_end: bool = False
    work: int = 0


def parse_foreign(text: str) -> ast.Module:
    """The syntax tree of other people's code, whose warnings (`"\\d"`) nobody here can act on. Raises what
    `ast.parse` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def parse_python(text: str) -> ast.Module | None:
    """The syntax tree, which knows its text (`source`), or None; the many ways in which the parser refuses
    hostile text are one."""
    try:
        tree = parse_foreign(text)
        tree.source = text  # type: ignore[attr-defined]
        return tree
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def is_deep(tree: ast.AST) -> bool:
    """Whether a tree has more than `MAX_DEPTH` levels: a sum of 330 terms has."""
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def work_for(text: str) -> int:
    """How many characters may be read again to understand a text."""
    return min(_WORK_MOST, _WORK_LEAST + _WORK_EACH * len(text))


def read_fragments(text: str, most_work: int | None = None) -> Fragments:
    """All that is Python in a text with newlines alone; what costs more than `most_work` (None: `work_for`)
    is left out."""
    most_work = work_for(text) if most_work is None else most_work
    tree = parse_python(text)
    if tree is not None:
        parts = tuple(_parts(tree, text))
        return Fragments(parts, (), bool(parts) and _ends_with(text, tree))
    found: list[Part] = []
    skipped: list[list[str]] = []
    position, work, last_skipped, at_end = 0, 0, -1, False
    last = len(text.rstrip())
    while position < last and work <= most_work:
        tree, end = None, position
        if not text[position].isspace():
            for end in _ends(text, position):
                work += end - position
                tree = parse_python(text[position:end])
                if tree is not None:
                    break
        if tree is not None and tree.body:
            chunk = text[position:end]
            found += _parts(tree, chunk)
            at_end = end >= last and _ends_with(chunk, tree)
        elif tree is None:
            end = text.find("\n", position) + 1 or len(text)
            line = text[position:end].rstrip("\n")
            if line.strip():
                if last_skipped != position or not skipped:
                    skipped.append([])
                skipped[-1].append(line)
                last_skipped, at_end = end, False
            elif last_skipped == position:
                last_skipped = end
        position = end
    if position < last:
        skipped.append([text[position:last]])
        at_end = False
    return Fragments(tuple(found), tuple("\n".join(lines) for lines in skipped), at_end, work)


def _ends(text: str, start: int) -> Iterator[int]:
    """Where the statement that starts here may end: by its brackets and quotes; else, as prose has brackets
    and quotes that nobody closes, before the next line that is not indented."""
    first = _statement_end(text, start)
    yield first
    plain = _NEXT.search(text, start)
    second = plain.start() + 1 if plain else len(text)
    if second != first:
        yield second


def _statement_end(text: str, start: int) -> int:
    depth, position, line = 0, start, start
    for _ in range(_TOKENS):
        token = _TOKEN.search(text, position)
        if token is None:
            return len(text)
        position = token.end()
        if quote := token["triple"]:
            closing = (found for found in _ESCAPED.finditer(text, position) if found[0] == quote)
            if (close := next(closing, None)) is None:
                return len(text)
            position = close.end()
        elif token["open"]:
            depth += 1
        elif token["close"]:
            depth = max(0, depth - 1)
        elif token["line"] and not depth:
            # The line after a decorator belongs to it.
            if not _GOES_ON.match(text, position) and text[line] != "@":
                return position
            line = line if text[position] == "#" else position
    return position


def _ends_with(text: str, tree: ast.Module) -> bool:
    return bool(tree.body) and tree.body[-1].end_lineno == text.rstrip().count("\n") + 1


def _parts(tree: ast.Module, text: str) -> Iterator[Part]:
    lines = text.split("\n")
    in_strings: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno:
            in_strings.update(range(node.lineno, node.end_lineno or node.lineno))
    for statement in tree.body:
        yield Part(statement, _source(statement, lines, in_strings))


def _source(statement: ast.stmt, lines: list[str], in_strings: set[int]) -> str:
    """The lines of a statement without blanks at their ends, where those are not in a string."""
    decorators = getattr(statement, "decorator_list", ())
    first = min([statement.lineno, *(part.lineno for part in decorators)])
    last = statement.end_lineno or statement.lineno
    own = lines[first - 1 : last]
    if not hasattr(statement, "body"):
        # Others may stand on its lines, before and behind a semicolon; columns count bytes.
        own[-1] = own[-1].encode()[: statement.end_col_offset].decode()
        own[0] = own[0].encode()[statement.col_offset :].decode()
    elif own[-1].encode()[statement.end_col_offset :].strip() == b"\\":
        # Nothing goes on behind it.
        own[-1] = own[-1].rstrip().removesuffix("\\")
    return "\n".join(
        line if number in in_strings else line.rstrip() for number, line in enumerate(own, start=first)
    )
