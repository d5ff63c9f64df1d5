"""Styles of tests as one: what unittest and pytest add to Python, as plain statements. By syntax alone.

`self.assertEqual(a, b)` becomes `assert a == b`, `with self.assertRaises(E):` a `with pytest.raises(E):`, a
class its setup and its test functions, a table of `parametrize` one list of assignments a row. Whatever has
no exact plain form stays a method of a real `unittest.TestCase`.
"""

from __future__ import annotations

import ast
import itertools
import math
import unittest
from collections.abc import Collection, Sequence

from tasks.values import ValueFormatError, literal

MAX_ROWS = 100
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
    "assertNotIsInstance": "not isinstance({0}, {1})",
}
_SETUPS = ("setUpClass", "setUp", "setup_class", "setup_method", "setup")
_SKIPS = ("skip", "skipIf", "skipUnless", "skipif", "xfail", "expectedFailure")
_RAISES = ("pytest.raises", "raises")


class Plain(ast.NodeTransformer):
    """unittest's assertions as plain ones, at any depth; `with self.subTest(..):` as its body."""

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        self.generic_visit(node)
        if not isinstance(call := node.value, ast.Call):
            return node
        name, args = _method(call), call.args
        if ast.unparse(call.func) in _RAISES and len(args) >= 2:
            return _attempt(args[0], args[1], args[2:], call.keywords)
        if name == "assertRaises" and len(args) >= 2:
            return _attempt(args[0], args[1], args[2:], call.keywords)
        if name == "assertRaisesRegex" and len(args) >= 3:
            return _attempt(args[0], args[2], args[3:], call.keywords, match=args[1])
        if name == "fail":
            return _asserted("False")
        if name in _COMPARE and len(args) >= 2 and _only_message(call):
            test = ast.Compare(left=args[0], ops=[_COMPARE[name]()], comparators=[args[1]])
            return ast.Assert(test=test, msg=None)
        if name in _EXPRESSIONS and len(args) > _EXPRESSIONS[name].count("{1}") and _only_message(call):
            return _asserted(_EXPRESSIONS[name], *args)
        return _almost_equal(call) or node

    def visit_With(self, node: ast.With) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        call = node.items[0].context_expr
        if len(node.items) != 1 or not isinstance(call, ast.Call):
            return node
        if _method(call) == "subTest":
            return node.body
        if _method(call) == "assertRaises" and call.args:
            return _with_raises(call.args[0], node.body, node.items[0].optional_vars)
        if _method(call) == "assertRaisesRegex" and len(call.args) >= 2:
            return _with_raises(call.args[0], node.body, node.items[0].optional_vars, call.args[1])
        return node


def _almost_equal(call: ast.Call) -> ast.Assert | None:
    """`assertAlmostEqual` by its rule, where an infinity cannot make the difference NaN."""
    if _method(call) != "assertAlmostEqual" or len(call.args) not in (2, 3):
        return None
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    if len(call.args) == 3:
        options["places"] = call.args[2]
    if not any(map(_is_finite, call.args[:2])) or set(options) - {"places", "delta", "msg"}:
        return None
    if "delta" in options:
        return _asserted("abs({0} - {1}) <= {2}", *call.args[:2], options["delta"])
    places = options.get("places", ast.Constant(value=7))
    return _asserted("round(abs({0} - {1}), {2}) == 0", *call.args[:2], places)


def _is_finite(node: ast.expr) -> bool:
    try:
        value = literal(node)
    except ValueFormatError:
        return False
    return isinstance(value, int | float) and math.isfinite(value)


def _only_message(call: ast.Call) -> bool:
    return all(keyword.arg == "msg" for keyword in call.keywords)


def _asserted(pattern: str, *args: ast.expr) -> ast.Assert:
    text = pattern.format(*(f"({ast.unparse(arg)})" for arg in args))
    return ast.Assert(test=ast.parse(text, mode="eval").body, msg=None)


def _method(call: ast.expr) -> str:
    """`assertX` of a call `self.assertX(...)`, else ""."""
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        owner = call.func.value
        return call.func.attr if isinstance(owner, ast.Name) and owner.id == "self" else ""
    return ""


def _attempt(
    wanted: ast.expr,
    function: ast.expr,
    args: list[ast.expr],
    keywords: list[ast.keyword],
    match: ast.expr | None = None,
) -> ast.With:
    if isinstance(function, ast.Lambda) and not args and not keywords:
        return _with_raises(wanted, [ast.Expr(value=function.body)], None, match)
    call = ast.Call(func=function, args=args, keywords=keywords)
    return _with_raises(wanted, [ast.Expr(value=call)], None, match)


def _with_raises(
    wanted: ast.expr, body: list[ast.stmt], name: ast.expr | None = None, match: ast.expr | None = None
) -> ast.With:
    manager = ast.Call(
        func=ast.Attribute(value=ast.Name(id="pytest", ctx=ast.Load()), attr="raises", ctx=ast.Load()),
        args=[wanted],
        keywords=[ast.keyword(arg="match", value=match)] if match else [],
    )
    return ast.With(items=[ast.withitem(context_expr=manager, optional_vars=name)], body=body)


def is_raises(node: ast.With) -> bool:
    """Whether this is `with pytest.raises(..):`, or a bare `raises`."""
    call = node.items[0].context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func) in _RAISES


def is_skipped(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a decorator says that this test is not run, or that its failure is what is wanted."""
    return any(name.rpartition(".")[2] in _SKIPS for name in _decorators(node))


def _decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[str]:
    return [ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]


def asserts(node: ast.AST) -> bool:
    """Whether anything below the node is an assertion: plain, of a TestCase, or of an exception."""
    return any(
        isinstance(part, ast.Assert)
        or (isinstance(part, ast.Call) and _method(part).startswith("assert"))
        or (isinstance(part, ast.With) and is_raises(part))
        for part in ast.walk(node)
    )


def class_parts(node: ast.ClassDef) -> tuple[list[ast.stmt], list[ast.FunctionDef]] | None:
    """A test class as setup (`self.x` is `self_x`, its helpers are functions) and its test functions.

    None when it has no test.
    """
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    tests = [method for method in methods if method.name.startswith("test")]
    if not tests:
        return None
    setup: list[ast.stmt] = list(ast.parse("import unittest\nself = unittest.TestCase()").body)
    rename = _SelfAttributes(node.name)
    for part in node.body:
        if isinstance(part, ast.Assign | ast.AnnAssign):
            for name in ast.walk(part):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    name.id = f"self_{name.id}"
            setup.append(rename.visit(part))
    for method in methods:
        rename.visit(method)
        if method not in tests and method.name not in _SETUPS:
            if method.args.args and not any(ast.unparse(d) == "staticmethod" for d in method.decorator_list):
                method.args.args.pop(0)
            method.name, method.decorator_list = f"self_{method.name}", []
            setup.append(method)
    ready = [method for name in _SETUPS for method in methods if method.name == name]
    return [*setup, *(step for method in ready for step in method.body)], tests


class _SelfAttributes(ast.NodeTransformer):
    """`self.x`, `cls.x` -> `self_x`: what setUp stores becomes plain setup. TestCase's own names stay."""

    def __init__(self, class_name: str) -> None:
        self.owners = ("self", "cls", class_name)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.value, ast.Name) or node.value.id not in self.owners:
            return node
        if hasattr(unittest.TestCase, node.attr) and not node.attr.startswith("setUp"):
            return node
        return ast.copy_location(ast.Name(id=f"self_{node.attr}", ctx=node.ctx), node)


def table(node: ast.expr, setup: Sequence[ast.stmt]) -> list[ast.expr] | None:
    """The rows of a literal list or tuple, or of the last name in `setup` that holds one."""
    if isinstance(node, ast.Name):
        for statement in reversed(setup):
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == node.id:
                return table(statement.value, ())
    if isinstance(node, ast.List | ast.Tuple) and not any(isinstance(row, ast.Starred) for row in node.elts):
        rows = [row for row in node.elts if not _is_marked_off(row)]
        return [_param(row) for row in rows] if len(rows) <= MAX_ROWS else None
    return None


def _is_marked_off(row: ast.expr) -> bool:
    """Whether a row is `pytest.param(.., marks=pytest.mark.skip)` or the like."""
    marks = [keyword.value for keyword in row.keywords] if isinstance(row, ast.Call) else []
    return any(
        isinstance(part, ast.Attribute) and part.attr in _SKIPS for mark in marks for part in ast.walk(mark)
    )


def _param(row: ast.expr) -> ast.expr:
    """`pytest.param(a, b, id=..)` as the row that it means."""
    if not isinstance(row, ast.Call) or ast.unparse(row.func) not in ("pytest.param", "param"):
        return row
    return row.args[0] if len(row.args) == 1 else ast.Tuple(elts=row.args, ctx=ast.Load())


def parametrized(
    decorators: Sequence[ast.expr], body: list[ast.stmt], setup: Sequence[ast.stmt]
) -> tuple[list[list[ast.stmt]], list[ast.stmt]]:
    """The rows of all `mark.parametrize`, each as assignments (one empty list without any), and the body.

    A table that is no literal becomes a loop around the body.
    """
    tables: list[list[list[ast.stmt]]] = []
    for decorator in decorators:
        if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("parametrize"):
            continue
        given = {keyword.arg: keyword.value for keyword in decorator.keywords}
        given |= dict(zip(("argnames", "argvalues"), decorator.args, strict=False))
        names, whole = _names(given.get("argnames"))
        if not names or (values := given.get("argvalues")) is None:
            continue
        rows = table(values, setup)
        if rows is not None:
            tables.append([assigned(names, row, whole) for row in rows])
        else:
            target: ast.expr = ast.Name(id=names[0], ctx=ast.Store())
            if not whole:
                parts: list[ast.expr] = [ast.Name(id=name, ctx=ast.Store()) for name in names]
                target = ast.Tuple(elts=parts, ctx=ast.Store())
            body = [ast.For(target=target, iter=values, body=body, orelse=[])]
    rows_of_all = itertools.islice(itertools.product(*tables), MAX_ROWS)
    return [[*itertools.chain(*rows)] for rows in rows_of_all], body


def mark_fixture(node: ast.FunctionDef) -> None:
    """Of a function that is a fixture, takes the decorator away: `arguments` knows it by the mark."""
    if {"pytest.fixture", "fixture"} & set(_decorators(node)):
        node.decorator_list = []
        node.is_fixture = True  # type: ignore[attr-defined]


def arguments(
    node: ast.FunctionDef | ast.AsyncFunctionDef, known: Collection[str], setup: Sequence[ast.stmt]
) -> list[ast.stmt]:
    """What binds the arguments of a test that are not `known`: their defaults, or the fixtures in `setup`,
    each called with those that it asks for itself."""
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
            steps.extend(ast.parse(f"{name} = {f'next({call})' if gives else call}").body)

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
