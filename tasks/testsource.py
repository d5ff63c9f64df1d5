"""A test file, taken apart: every assertion as source that stands alone.

What models write as tests is bare asserts, pytest functions, unittest classes, loops over tables of
cases, and mixtures. `split_tests` turns each of them into statements `setup; assertion`, by syntax
alone: nothing is run, nothing is resolved.
"""

from __future__ import annotations

import ast
import itertools
import warnings
from collections.abc import Iterable, Iterator

_MODULES = {"bisect", "cmath", "collections", "datetime", "decimal", "fractions", "functools", "heapq"} | {
    *("itertools", "json", "math", "operator", "random", "re", "statistics", "string")
}
_COMPARE: dict[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq,
    "assertEquals": ast.Eq,
    "assertListEqual": ast.Eq,
    "assertTupleEqual": ast.Eq,
    "assertDictEqual": ast.Eq,
    "assertSetEqual": ast.Eq,
    "assertSequenceEqual": ast.Eq,
    "assertMultiLineEqual": ast.Eq,
    "assertNotEqual": ast.NotEq,
    "assertIs": ast.Is,
    "assertIsNot": ast.IsNot,
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
}
_EXPRESSIONS = {
    "assertTrue": "{0}",
    "assertFalse": "not {0}",
    "assertIsNone": "{0} is None",
    "assertIsNotNone": "{0} is not None",
    "assertIsInstance": "isinstance({0}, {1})",
    "assertCountEqual": "sorted({0}, key=repr) == sorted({1}, key=repr)",
    "assertAlmostEqual": "round(abs(({0}) - ({1})), 7) == 0",
}


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
    """The tests of a file, in order, each as the source of its setup and its assertion.

    Definitions and imports of the entry point itself are left out: a suite tests the solution, it
    does not bring its own.
    """
    try:
        return [ast.unparse(ast.fix_missing_locations(test)) for test in _walk(module.body, [], entry_point)]
    except RecursionError:
        return []


def _walk(body: Iterable[ast.stmt], before: list[ast.stmt], entry_point: str) -> Iterator[ast.Module]:
    setup = list(before)
    for raw in body:
        statement = _from_unittest(raw)
        if isinstance(statement, ast.Assert):
            parts = [statement.test]
            if isinstance(statement.test, ast.BoolOp) and isinstance(statement.test.op, ast.And):
                parts = statement.test.values
            for part in parts:
                yield _alone(setup, ast.Assert(test=part, msg=None))
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith(
            "test"
        ):
            for rows in _parametrized(statement):
                yield from _walk(statement.body, setup + rows, entry_point)
        elif isinstance(statement, ast.ClassDef) and (methods := _test_methods(statement)):
            ready = setup + [step for method in methods if method.name == "setUp" for step in method.body]
            for method in methods:
                yield from _walk([method], ready, entry_point)
        elif isinstance(statement, ast.For) and (steps := _unrolled(statement, setup)) is not None:
            for rows in steps:
                yield from _walk(statement.body, setup + rows, entry_point)
        elif isinstance(statement, ast.If) and mentions(statement.test, "__name__"):
            yield from _walk(statement.body, setup, entry_point)
        elif isinstance(statement, ast.With) and _is_raises(statement):
            yield _alone(setup, statement)
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            if entry_point not in bound_names(statement):
                setup.append(statement)
        elif any(isinstance(part, ast.Assert) for part in ast.walk(statement)):
            yield _alone(setup, statement)
        else:
            setup.append(statement)


def _alone(setup: list[ast.stmt], assertion: ast.stmt) -> ast.Module:
    """The assertion with the part of the setup it depends on (a backward slice by name)."""
    needed = used_names(assertion)
    kept: list[ast.stmt] = []
    for statement in reversed(setup):
        names = used_names(statement) | bound_names(statement)
        changes = isinstance(statement, ast.Expr) and bool(
            used_names(statement) & needed - _called(statement)
        )
        if bound_names(statement) & needed or changes:
            kept.insert(0, statement)
            needed |= names
    bound = set().union(*(bound_names(statement) for statement in kept)) if kept else set()
    imports = [ast.Import(names=[ast.alias(name)]) for name in sorted(needed & _MODULES - bound)]
    return ast.Module(body=[*imports, *kept, assertion], type_ignores=[])


def _called(statement: ast.Expr) -> set[str]:
    """Names that are only called in an expression statement: `print(f(x))` changes x at most, not f."""
    return {
        part.func.id
        for part in ast.walk(statement)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)
    }


def _is_raises(node: ast.With) -> bool:
    call = node.items[0].context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func) in ("pytest.raises", "raises")


def _test_methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    if not any(method.name.startswith("test") for method in methods):
        return []
    for method in methods:
        method.body = [_SelfAttributes().visit(step) for step in map(_from_unittest, method.body)]
    return methods


class _SelfAttributes(ast.NodeTransformer):
    """`self.x` -> `self_x`: what setUp stores becomes plain setup. `self.assert...` stays."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if (
            isinstance(node.value, ast.Name)
            and node.value.id == "self"
            and not node.attr.startswith("assert")
        ):
            return ast.copy_location(ast.Name(id=f"self_{node.attr}", ctx=node.ctx), node)
        return node


def _from_unittest(statement: ast.stmt) -> ast.stmt:
    """`self.assertX(...)` as an assert, `self.assertRaises` as `with pytest.raises`; others unchanged."""
    if isinstance(statement, ast.With) and _method(statement.items[0].context_expr).startswith(
        "assertRaises"
    ):
        call = statement.items[0].context_expr
        if isinstance(call, ast.Call) and call.args:
            return _with_raises(call.args[0], statement.body)
    if not isinstance(statement, ast.Expr) or not isinstance(call := statement.value, ast.Call):
        return statement
    name, args = _method(call), call.args
    if name in _COMPARE and len(args) >= 2:
        test: ast.expr = ast.Compare(left=args[0], ops=[_COMPARE[name]()], comparators=[args[1]])
        return ast.copy_location(ast.Assert(test=test, msg=None), statement)
    if name in _EXPRESSIONS and len(args) > _EXPRESSIONS[name].count("{1}"):
        text = _EXPRESSIONS[name].format(*(f"({ast.unparse(arg)})" for arg in args))
        return ast.copy_location(ast.parse(f"assert {text}").body[0], statement)
    if name == "assertRaises" and len(args) >= 2:
        attempt = ast.Call(func=args[1], args=args[2:], keywords=call.keywords)
        return _with_raises(args[0], [ast.Expr(value=attempt)])
    return statement


def _method(node: ast.expr) -> str:
    """`assertX` of a call `self.assertX(...)`, else ""."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        return node.func.attr if isinstance(owner, ast.Name) and owner.id == "self" else ""
    return ""


def _with_raises(wanted: ast.expr, body: list[ast.stmt]) -> ast.With:
    manager = ast.Call(
        func=ast.Attribute(value=ast.Name(id="pytest", ctx=ast.Load()), attr="raises", ctx=ast.Load()),
        args=[wanted],
        keywords=[],
    )
    return ast.With(items=[ast.withitem(context_expr=manager)], body=body)


def _parametrized(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[list[ast.stmt]]:
    """One list of assignments for each row of `@pytest.mark.parametrize`; one empty list without."""
    tables: list[list[list[ast.stmt]]] = []
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("parametrize"):
            continue
        if len(decorator.args) < 2 or not isinstance(decorator.args[1], ast.List | ast.Tuple):
            continue
        names = decorator.args[0]
        if isinstance(names, ast.Constant) and isinstance(names.value, str):
            target = [name.strip() for name in names.value.split(",")]
        elif isinstance(names, ast.List | ast.Tuple):
            target = [str(getattr(name, "value", "")) for name in names.elts]
        else:
            continue
        if all(name.isidentifier() for name in target):
            tables.append([_assigned(target, row) for row in decorator.args[1].elts])
    return [list(itertools.chain(*rows)) for rows in itertools.product(*tables)][:100]


def _unrolled(loop: ast.For, setup: list[ast.stmt]) -> list[list[ast.stmt]] | None:
    """Assignments for each turn of `for a, b in [(..), ..]:`, or None when it is no such loop."""
    table: ast.expr = loop.iter
    if isinstance(table, ast.Name):
        for statement in setup:
            if isinstance(statement, ast.Assign) and table.id in bound_names(statement):
                return _unrolled(ast.For(target=loop.target, iter=statement.value, body=[], orelse=[]), [])
    if not isinstance(table, ast.List | ast.Tuple) or len(table.elts) > 100:
        return None
    if isinstance(loop.target, ast.Name):
        return [_assigned([loop.target.id], row) for row in table.elts]
    if isinstance(loop.target, ast.Tuple) and all(isinstance(part, ast.Name) for part in loop.target.elts):
        target = [part.id for part in loop.target.elts if isinstance(part, ast.Name)]
        return [_assigned(target, row) for row in table.elts]
    return None


def _assigned(names: list[str], row: ast.expr) -> list[ast.stmt]:
    if len(names) == 1:
        parts = [row]
    elif isinstance(row, ast.Tuple | ast.List) and len(row.elts) == len(names):
        parts = row.elts
    else:
        whole = ast.Tuple(elts=[ast.Name(id=name, ctx=ast.Store()) for name in names], ctx=ast.Store())
        return [ast.Assign(targets=[whole], value=row, lineno=0)]
    return [
        ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=part, lineno=0)
        for name, part in zip(names, parts, strict=True)
    ]
