"""A test file, taken apart: every assertion as source that stands alone.

What models write as tests is bare asserts, pytest functions, unittest classes, loops over tables of
cases, and mixtures. `split_tests` turns each of them into statements `setup; assertion`, by syntax
alone: nothing is run, nothing is resolved.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tasks import teststyles

_MODULES = {"bisect", "cmath", "collections", "datetime", "decimal", "fractions", "functools", "heapq"} | {
    *("itertools", "json", "math", "operator", "random", "re", "statistics", "string")
}

# A loop over a table makes many of few lines.
MAX_TESTS = 1000
_EXITS = {"exit", "quit", "sys.exit", "os._exit", "os.abort", "pytest.skip", "pytest.exit", "self.skipTest"}


def parse_python(text: str) -> ast.Module | None:
    """The syntax tree, or None; the many ways in which the parser refuses hostile text are one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def patched(text: str) -> tuple[ast.Module, list[str]]:
    """What is left of a text (its first 400 lines) without the lines that do not parse, and those lines.

    Lines that were left out one after another are one text.
    """
    kept: list[ast.stmt] = []
    skipped: list[list[str]] = []
    lines = text.split("\n")[:400]
    position, last_skipped = 0, -1
    while position < len(lines):
        ends = [number for number in range(position + 1, len(lines)) if lines[number][:1].strip()]
        for end in [*ends[:3], len(lines)]:
            tree = parse_python("\n".join(lines[position:end]))
            if tree is not None:
                kept += tree.body
                position = end
                break
        else:
            if last_skipped < position - 1 or not skipped:
                skipped.append([])
            skipped[-1].append(lines[position])
            last_skipped = position
            position += 1
    return ast.Module(body=kept, type_ignores=[]), ["\n".join(part) for part in skipped]


def mentions(node: ast.AST, name: str) -> bool:
    """Whether the name is used anywhere below the node."""
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement defines in its scope."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names = {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    for part in ast.walk(node):
        if isinstance(part, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
    return names


def used_names(node: ast.AST) -> set[str]:
    """The names that a statement reads or writes, at any depth."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def free_names(node: ast.stmt) -> set[str]:
    """The names that a statement takes from outside: of a function, those it does not bind itself.

    Scopes inside the function are read as one; `global` gives its names back.
    """
    names = used_names(node)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return names
    own: set[str] = set()
    shared: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            own.add(part.arg)
        elif isinstance(part, ast.ExceptHandler) and part.name:
            own.add(part.name)
        elif isinstance(part, ast.Global):
            shared |= set(part.names)
        elif isinstance(part, ast.stmt) and part is not node:
            own |= bound_names(part)
    outside = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    return (names - own) | shared | set().union(*map(used_names, outside))


def split_tests(module: ast.Module, entry_point: str) -> list[str]:
    """The first `MAX_TESTS` of a file, each as the source of its setup and its assertion; uses the tree up.

    Imports of the entry point are left out: where it comes from is not the suite's business. What makes a
    test worthless stays in it to be seen (`tasks.suites.read_case`): its own definition of the entry point,
    an exit before the assertion.
    """
    try:
        plain = teststyles.Plain().visit(module)
        tests = islice(_walk(plain.body, [], entry_point), MAX_TESTS)
        return [ast.unparse(ast.fix_missing_locations(test)) for test in tests]
    except (RecursionError, ValueError):
        # Too deep, or an int with more digits than may be written.
        return []


def _walk(
    body: Iterable[ast.stmt], before: list[ast.stmt], entry_point: str, turns: int = 1
) -> Iterator[ast.Module]:
    """`turns`: how often this body is taken already, by the loops and tables around it. A loop that would
    make more than `MAX_ROWS` of that is one test."""
    setup = list(before)
    for statement in body:
        if isinstance(statement, ast.Assert):
            parts = [statement.test]
            if isinstance(statement.test, ast.BoolOp) and isinstance(statement.test.op, ast.And):
                parts = statement.test.values
            for part in parts:
                yield _alone(setup, ast.Assert(test=part, msg=None))
            if bound_names(statement):
                # What `:=` in it has named may be looked at afterwards.
                setup.append(statement)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if _is_test(statement):
                yield from _of_definition(statement, setup, entry_point, turns)
            else:
                if isinstance(statement, ast.FunctionDef):
                    teststyles.mark_fixture(statement)
                setup.append(statement)
        elif (
            isinstance(statement, ast.For)
            and (steps := _unrolled(statement, setup)) is not None
            and turns * len(steps) <= teststyles.MAX_ROWS
        ):
            for rows in steps:
                yield from _walk(statement.body, setup + rows, entry_point, turns * len(steps))
        elif isinstance(statement, ast.If) and mentions(statement.test, "__name__"):
            yield from _walk(statement.body, setup, entry_point, turns)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            if entry_point not in bound_names(statement):
                setup.append(_renamed(statement, entry_point) or statement)
        elif _is_assertion(statement, setup):
            yield _alone(setup, statement)
            if isinstance(statement, ast.With) and bound_names(statement):
                # What it caught may be looked at afterwards.
                setup.append(statement)
        else:
            setup.append(statement)


def _renamed(statement: ast.Import | ast.ImportFrom, entry_point: str) -> ast.stmt | None:
    """`from solution import f as g` as `g = f`."""
    if len(statement.names) != 1 or statement.names[0].name != entry_point or not statement.names[0].asname:
        return None
    return ast.parse(f"{statement.names[0].asname} = {entry_point}").body[0]


def _is_test(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return isinstance(node, ast.ClassDef) or node.name.startswith("test")


def _of_definition(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    setup: list[ast.stmt],
    entry_point: str,
    turns: int,
) -> Iterator[ast.Module]:
    """The tests of a test function, or of a class with test methods; any other class is setup."""
    if isinstance(node, ast.ClassDef):
        parts = teststyles.class_parts(node)
        if parts is None:
            setup.append(node)
        elif not teststyles.is_skipped(node):
            rows, _ = teststyles.parametrized(node.decorator_list, [], setup)
            for row in rows:
                for method in parts[1]:
                    inner = [*setup, *row, *parts[0]]
                    yield from _of_definition(method, inner, entry_point, turns * len(rows))
    elif not teststyles.is_skipped(node):
        rows, body = teststyles.parametrized(node.decorator_list, node.body, setup)
        for row in rows:
            known = set().union(*map(bound_names, row)) if row else set()
            given = setup + row + teststyles.arguments(node, known, setup)
            yield from _walk(body, given, entry_point, turns * len(rows))


def _is_assertion(statement: ast.stmt, setup: Iterable[ast.stmt]) -> bool:
    """Whether a statement asserts something, by itself or by a helper of the file."""
    called = {
        part.func.id
        for part in (ast.walk(statement) if isinstance(statement, ast.Expr) else ())
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)
    }
    helpers = {step.name for step in setup if isinstance(step, ast.FunctionDef) and teststyles.asserts(step)}
    return teststyles.asserts(statement) or bool(called & helpers)


def stops(statement: ast.stmt) -> bool:
    """Whether nothing behind this statement is ever reached: a return, an exit, a skip."""
    if isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
        return True
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    return ast.unparse(statement.value.func) in _EXITS


def _alone(setup: list[ast.stmt], assertion: ast.stmt) -> ast.Module:
    """The assertion with the part of the setup it depends on: a backward slice by name, where what a name
    stands for may be changed by any statement that does more with it than read it or call it."""
    needed = used_names(assertion)
    kept: list[ast.stmt] = []
    for statement in reversed(setup):
        facts = _facts(statement)
        if facts.bound & needed or facts.changed & needed or facts.stops:
            kept.append(statement)
            needed = (
                needed - facts.bound | facts.used - facts.bound if facts.binds_anew else needed | facts.used
            )
    kept.reverse()
    bound = set().union(*(_facts(statement).bound for statement in kept)) if kept else set()
    used = used_names(assertion).union(*(_facts(statement).used for statement in kept))
    imports = [ast.Import(names=[ast.alias(name)]) for name in sorted(used & _MODULES - bound)]
    return ast.Module(body=[*imports, *kept, assertion], type_ignores=[])


@dataclass(frozen=True)
class _Facts:
    """A statement of a setup: the names that it uses, binds, and those whose objects it may change."""

    used: frozenset[str]
    bound: frozenset[str]
    changed: frozenset[str]
    binds_anew: bool
    stops: bool


def _facts(statement: ast.stmt) -> _Facts:
    """Those of a statement; kept with it, since every test of a file asks for them again."""
    known: _Facts | None = getattr(statement, "facts", None)
    if known is None:
        used, bound = used_names(statement), bound_names(statement)
        anew = (
            isinstance(statement, ast.Assign)
            and all(isinstance(target, ast.Name) for target in statement.targets)
            and bound.isdisjoint(used_names(statement.value))
        )
        changed = used - bound - _called(statement) if _may_change(statement) else set()
        known = _Facts(frozenset(used), frozenset(bound), frozenset(changed), anew, stops(statement))
        statement.facts = known  # type: ignore[attr-defined]
    return known


def _may_change(statement: ast.stmt) -> bool:
    """Whether a statement calls, deletes, or assigns to a part of something. A definition does so when it is
    called, an import never."""
    if isinstance(
        statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    ):
        return False
    return any(
        isinstance(part, ast.Call | ast.Delete)
        or (isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load))
        for part in ast.walk(statement)
    )


def _called(statement: ast.stmt) -> set[str]:
    """Names that are only called in a statement: `print(f(x))` changes x at most, not f."""
    called = [part.func for part in ast.walk(statement) if isinstance(part, ast.Call)]
    functions = {id(one): one.id for one in called if isinstance(one, ast.Name)}
    others = {
        part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and id(part) not in functions
    }
    return set(functions.values()) - others


def _unrolled(loop: ast.For, setup: list[ast.stmt]) -> list[list[ast.stmt]] | None:
    """Assignments for each turn of `for a, b in [(..), ..]:`, or None when it is no such loop."""
    rows = teststyles.table(loop.iter, setup)
    if rows is None or loop.orelse or any(isinstance(p, ast.Break | ast.Continue) for p in ast.walk(loop)):
        return None
    if isinstance(loop.target, ast.Name):
        return [teststyles.assigned([loop.target.id], row, whole=True) for row in rows]
    if isinstance(loop.target, ast.Tuple) and all(isinstance(part, ast.Name) for part in loop.target.elts):
        target = [part.id for part in loop.target.elts if isinstance(part, ast.Name)]
        return [teststyles.assigned(target, row, whole=False) for row in rows]
    return None
