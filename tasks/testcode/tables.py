"""Tables of tests: the rows of `mark.parametrize` and of loops, as assignments. By syntax alone."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tasks.core.literals import literal
from tasks.core.values import ValueFormatError
from tasks.testcode.marks import marks_of, marks_of_row
from tasks.testcode.names import bound_names

MAX_ROWS = 100
PARAM = "param_of_"
"""How the name begins of what `request.param` is in a fixture."""


@dataclass(frozen=True)
class MarkedRow:
    """One row of all tables of a test: the assignments that bind it, and the marks that it brings."""

    steps: list[ast.stmt] = field(default_factory=list)
    marks: list[ast.expr] = field(default_factory=list)


def table(node: ast.expr, setup: Sequence[ast.stmt]) -> list[ast.expr] | None:
    """The rows of a literal list or tuple, or of the last name in `setup` that holds one; None where there is
    no such, or it has more than `MAX_ROWS`."""
    if isinstance(node, ast.Name):
        made = assigned_once(node.id, setup)
        return table(made, ()) if made is not None else None
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "range" and not node.keywords:
        try:
            turns = range(*(literal(arg) for arg in node.args))
        except (ValueFormatError, TypeError, ValueError):
            return None
        # Not `len`, which a range of more than a machine word has none of.
        rows: list[ast.expr] = [ast.Constant(value=turn) for turn in itertools.islice(turns, MAX_ROWS + 1)]
        return rows if len(rows) <= MAX_ROWS else None
    if isinstance(node, ast.List | ast.Tuple) and not any(isinstance(row, ast.Starred) for row in node.elts):
        return [*node.elts] if len(node.elts) <= MAX_ROWS else None
    return None


def assigned_once(name: str, setup: Sequence[ast.stmt]) -> ast.expr | None:
    """What a name stands for that is assigned once in `setup`; None where something is done with it: then it
    is that no more."""
    makers = [part for part in setup if any(_uses(part, name))]
    if len(makers) == 1 and isinstance(made := makers[0], ast.Assign):
        return made.value if ast.unparse(made.targets[0]) == name else None
    return None


def resolved(marks: Sequence[ast.expr], setup: Sequence[ast.stmt]) -> list[ast.expr]:
    """Marks with those that the file keeps under a name of its own (`on_linux = pytest.mark.skipif(..)`) as
    what they are."""
    found: list[ast.expr] = []
    for mark in marks:
        made = [part for part in setup if isinstance(mark, ast.Name) and mark.id in bound_names(part)]
        value = made[0].value if len(made) == 1 and isinstance(made[0], ast.Assign) else None
        found.append(value if isinstance(value, ast.Call | ast.Attribute) else mark)
    return found


def _uses(statement: ast.stmt, name: str) -> Iterator[bool]:
    return (isinstance(part, ast.Name) and part.id == name for part in ast.walk(statement))


def _param(row: ast.expr) -> ast.expr:
    """`pytest.param(a, b, id=..)` as the row that it means."""
    if not isinstance(row, ast.Call) or ast.unparse(row.func) not in ("pytest.param", "param"):
        return row
    return row.args[0] if len(row.args) == 1 else ast.Tuple(elts=row.args, ctx=ast.Load())


def parametrized(
    decorators: Sequence[ast.expr], body: list[ast.stmt], setup: Sequence[ast.stmt], prefix: str = ""
) -> tuple[list[MarkedRow], list[ast.stmt]]:
    """The rows of all `mark.parametrize` (one empty row without any), and the body.

    A table that is no literal, or one too many, becomes a loop around the body. A column that goes to a
    fixture (`indirect`) is bound to the fixture's `request.param`. `prefix`: of the names of the others.
    """
    tables: list[list[MarkedRow]] = []
    count = 1
    for given in _parametrize(decorators):
        names, whole = _names(given.get("argnames"))
        if not names or (values := given.get("argvalues")) is None:
            continue
        indirect = _indirect(given, names)
        names = [
            (PARAM if name in indirect else "" if name.startswith(PARAM) else prefix) + name for name in names
        ]
        rows = table(values, setup)
        if rows is not None and count * len(rows) <= MAX_ROWS:
            count *= len(rows)
            marked = [(row, resolved(marks_of_row(row), setup)) for row in rows]
            tables.append([MarkedRow(assigned(names, _param(row), whole), marks) for row, marks in marked])
            continue
        if (literal_rows := _literal_rows(values, setup)) is not None:
            marks = [marks_of(resolved(marks_of_row(row), setup)) for row in literal_rows]
            if not all(one.is_plain for one in marks):
                # Its arguments stay unbound, so that the whole test is told of as one that cannot be read.
                continue
            kept = [_param(row) for row, one in zip(literal_rows, marks, strict=True) if one.fate == "run"]
            values = ast.List(elts=kept, ctx=ast.Load())
        target: ast.expr = ast.Name(id=names[0], ctx=ast.Store())
        if not whole:
            parts: list[ast.expr] = [ast.Name(id=name, ctx=ast.Store()) for name in names]
            target = ast.Tuple(elts=parts, ctx=ast.Store())
        body = [ast.For(target=target, iter=values, body=body, orelse=[])]
    together = [
        MarkedRow(
            [*itertools.chain(*(row.steps for row in rows))], [mark for row in rows for mark in row.marks]
        )
        for rows in itertools.product(*tables)
    ]
    return together, body


def _parametrize(decorators: Sequence[ast.expr]) -> Iterator[dict[str | None, ast.expr]]:
    """The arguments of each `mark.parametrize`, by their names."""
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("parametrize"):
            given = {keyword.arg: keyword.value for keyword in decorator.keywords}
            yield given | dict(zip(("argnames", "argvalues", "indirect"), decorator.args, strict=False))


def _literal_rows(values: ast.expr, setup: Sequence[ast.stmt]) -> list[ast.expr] | None:
    """The rows of a literal of any length."""
    if isinstance(values, ast.Name):
        made = assigned_once(values.id, setup)
        return _literal_rows(made, ()) if made is not None else None
    return [*values.elts] if isinstance(values, ast.List | ast.Tuple) else None


def indirect_names(decorators: Sequence[ast.expr]) -> set[str]:
    """The fixtures to which tables give their `request.param`."""
    found: set[str] = set()
    for given in _parametrize(decorators):
        found |= _indirect(given, _names(given.get("argnames"))[0])
    return found


def direct_names(decorators: Sequence[ast.expr]) -> set[str]:
    """The columns of all tables that are arguments of the test."""
    found: set[str] = set()
    for given in _parametrize(decorators):
        names = _names(given.get("argnames"))[0]
        found |= {*names} - _indirect(given, names)
    return found


def _indirect(given: dict[str | None, ast.expr], names: Sequence[str]) -> set[str]:
    try:
        asked = literal(given["indirect"])
    except (KeyError, ValueFormatError):
        return set()
    return {*names} if asked is True else {*map(str, asked)} if isinstance(asked, list | tuple) else set()


def _names(node: ast.expr | None) -> tuple[list[str], bool]:
    """The names of a parametrize, and whether a row is the value of its single name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        names = [name.strip() for name in node.value.split(",") if name.strip()]
        whole = len(names) == 1
    elif isinstance(node, ast.List | ast.Tuple):
        names, whole = [str(getattr(name, "value", "")) for name in node.elts], False
    else:
        return [], False
    return (names, whole) if all(name.isidentifier() for name in names) else ([], False)


def assigned(names: Sequence[str], row: ast.expr, whole: bool) -> list[ast.stmt]:
    """The assignments that bind a row to its names."""
    if whole:
        pairs = [(names[0], row)]
    elif isinstance(row, ast.Tuple | ast.List) and len(row.elts) == len(names):
        pairs = [*zip(names, row.elts, strict=True)]
    else:
        target = ast.Tuple(elts=[ast.Name(id=name, ctx=ast.Store()) for name in names], ctx=ast.Store())
        return [ast.Assign(targets=[target], value=row, lineno=0)]
    return [
        ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=part, lineno=0) for name, part in pairs
    ]
