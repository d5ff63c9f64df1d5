"""What pytest runs before a test: the rows of its tables, its fixtures, the file's `setup_module`. By syntax
alone, as plain statements.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence

from tasks.core.values import ValueFormatError, literal
from tasks.testcode.marks import marks_of_row

MAX_ROWS = 100
OPEN = "open_fixture_"
"""How the name of a fixture begins that goes on after the test (`arguments`)."""
_MODULE_SETUPS = ("setUpModule", "setup_module", "setup_function")


def decorators_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[str]:
    return [ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]


def table(node: ast.expr, setup: Sequence[ast.stmt]) -> list[ast.expr] | None:
    """The rows of a literal list or tuple, or of the last name in `setup` that holds one."""
    if isinstance(node, ast.Name):
        makers = [part for part in setup if any(_uses(part, node.id))]
        # One that something was done with is no literal any more.
        if len(makers) == 1 and isinstance(made := makers[0], ast.Assign):
            return table(made.value, ()) if ast.unparse(made.targets[0]) == node.id else None
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "range" and not node.keywords:
        try:
            turns = range(*(literal(arg) for arg in node.args))
        except (ValueFormatError, TypeError, ValueError):
            return None
        # Not `len`, which a range of more than a machine word has none of.
        rows: list[ast.expr] = [ast.Constant(value=turn) for turn in itertools.islice(turns, MAX_ROWS + 1)]
        return rows if len(rows) <= MAX_ROWS else None
    if isinstance(node, ast.List | ast.Tuple) and not any(isinstance(row, ast.Starred) for row in node.elts):
        rows = [row for row in node.elts if marks_of_row(row).fate == "run"]
        return [_param(row) for row in rows] if len(rows) <= MAX_ROWS else None
    return None


def _uses(statement: ast.stmt, name: str) -> Iterator[bool]:
    return (isinstance(part, ast.Name) and part.id == name for part in ast.walk(statement))


def _fails_by_row(values: ast.expr) -> bool:
    """Whether a verdict hangs on how some row fails or is skipped: leaving that row out, or running it as any
    other, would be wrong."""
    rows = values.elts if isinstance(values, ast.List | ast.Tuple) else ()
    return any(m.fate == "must fail" or m.skipped_if or m.fails_by for m in map(marks_of_row, rows))


def _param(row: ast.expr) -> ast.expr:
    """`pytest.param(a, b, id=..)` as the row that it means."""
    if not isinstance(row, ast.Call) or ast.unparse(row.func) not in ("pytest.param", "param"):
        return row
    return row.args[0] if len(row.args) == 1 else ast.Tuple(elts=row.args, ctx=ast.Load())


def parametrized(
    decorators: Sequence[ast.expr], body: list[ast.stmt], setup: Sequence[ast.stmt]
) -> tuple[list[list[ast.stmt]], list[ast.stmt]]:
    """The rows of all `mark.parametrize`, each as assignments (one empty list without any), and the body.

    A table that is no literal, or one too many, becomes a loop around the body.
    """
    tables: list[list[list[ast.stmt]]] = []
    count = 1
    for decorator in decorators:
        if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("parametrize"):
            continue
        given = {keyword.arg: keyword.value for keyword in decorator.keywords}
        given |= dict(zip(("argnames", "argvalues"), decorator.args, strict=False))
        names, whole = _names(given.get("argnames"))
        if not names or (values := given.get("argvalues")) is None:
            continue
        if _fails_by_row(values):
            # Its arguments stay unbound, so that the whole test is told of as one that cannot be read.
            continue
        rows = table(values, setup)
        if rows is not None and count * len(rows) <= MAX_ROWS:
            count *= len(rows)
            tables.append([assigned(names, row, whole) for row in rows])
        else:
            target: ast.expr = ast.Name(id=names[0], ctx=ast.Store())
            if not whole:
                parts: list[ast.expr] = [ast.Name(id=name, ctx=ast.Store()) for name in names]
                target = ast.Tuple(elts=parts, ctx=ast.Store())
            body = [ast.For(target=target, iter=values, body=body, orelse=[])]
    return [[*itertools.chain(*rows)] for rows in itertools.product(*tables)], body


def mark_fixture(node: ast.FunctionDef) -> None:
    """Of a function that is a fixture, takes the decorator away: `arguments` knows it by the mark."""
    if not (_is_fixture(node) and _fixture_options(node).keys() <= {"name", "autouse", "scope"}):
        return
    options = _fixture_options(node)
    if isinstance(name := options.get("name"), ast.Constant):
        node.name = str(name.value)
    node.is_autouse = is_autouse(node)  # type: ignore[attr-defined]
    node.decorator_list = []
    node.is_fixture = True  # type: ignore[attr-defined]


def _is_fixture(node: ast.FunctionDef) -> bool:
    return bool({"pytest.fixture", "fixture"} & set(decorators_of(node)))


def unknown_fixtures(setup: Iterable[ast.stmt]) -> set[str]:
    """Fixtures with options that `mark_fixture` does not know, like `params`."""
    return {part.name for part in setup if isinstance(part, ast.FunctionDef) and _is_fixture(part)}


def _fixture_options(node: ast.FunctionDef) -> dict[str, ast.expr]:
    calls = [one for one in node.decorator_list if isinstance(one, ast.Call)]
    return {keyword.arg or "": keyword.value for call in calls for keyword in call.keywords}


def is_autouse(node: ast.FunctionDef) -> bool:
    value = _fixture_options(node).get("autouse") if _is_fixture(node) else None
    return isinstance(value, ast.Constant) and bool(value.value)


def arguments(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    known: Collection[str],
    setup: Sequence[ast.stmt],
    decorators: Sequence[ast.expr] = (),
) -> list[ast.stmt]:
    """What runs before a test and binds its arguments that are not `known`: the file's `setup_module` and
    the like, fixtures that are always used or asked for, each with those that it asks for itself, defaults.
    """
    defaults = dict(zip([arg.arg for arg in node.args.args[::-1]], node.args.defaults[::-1], strict=False))
    functions = [step for step in setup if isinstance(step, ast.FunctionDef)]
    fixtures = {step.name: step for step in functions if getattr(step, "is_fixture", False)}
    bound = set(known)
    steps: list[ast.stmt] = []

    def bind(name: str) -> None:
        if name in bound:
            return
        bound.add(name)
        if name in defaults:
            steps.extend(assigned([name], defaults[name], whole=True))
        elif name in fixtures:
            asked = [arg.arg for arg in fixtures[name].args.args]
            for other in asked:
                bind(other)
            call = f"{name}({', '.join(asked)})"
            gives = any(isinstance(part, ast.Yield) for part in ast.walk(fixtures[name]))
            if gives and any(
                isinstance(part, ast.Assert | ast.With | ast.Raise) for part in ast.walk(fixtures[name])
            ):
                # What it asserts behind its `yield` is asked after the test.
                steps.extend(ast.parse(f"{OPEN}{name} = {call}\n{name} = next({OPEN}{name})").body)
            else:
                steps.extend(ast.parse(f"{name} = {f'next({call})' if gives else call}").body)

    for step in functions:
        if step.name in _MODULE_SETUPS:
            nothing = ", ".join(["None"] * len(step.args.args))
            steps.extend(ast.parse(f"{step.name}({nothing})").body)
    for name in [step.name for step in fixtures.values() if getattr(step, "is_autouse", False)]:
        bind(name)
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("usefixtures"):
            for used in decorator.args:
                bind(str(getattr(used, "value", "")))
    for arg in node.args.args:
        bind(arg.arg)
    return steps


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
