"""Styles of tests as one: what unittest and pytest add to Python, as plain statements. By syntax alone.

`self.assertEqual(a, b)` becomes `assert a == b`, `with self.assertRaises(E):` a `with pytest.raises(E):`
(`classes` has the classes, `fixtures` what pytest runs before and after a test). Whatever has no exact plain
form stays a method of a real `unittest.TestCase`.
"""

from __future__ import annotations

import ast
import math
import sys

from sandbox_image.modules import LIBRARIES
from tasks.core.literals import literal
from tasks.core.values import ValueFormatError
from tasks.testcode.names import Function, dotted

_COMPARE: dict[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq,
    "assertEquals": ast.Eq,
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
# These want a type of both sides as well: a plain comparison where one of them is written as such, or has a
# name, which is nearly always that of what is expected.
_TYPED: dict[str, tuple[type[ast.expr], ...]] = {
    "assertListEqual": (ast.List, ast.ListComp, ast.Name),
    "assertTupleEqual": (ast.Tuple, ast.Name),
    "assertDictEqual": (ast.Dict, ast.DictComp, ast.Name),
    "assertMultiLineEqual": (ast.Constant, ast.JoinedStr, ast.Name),
}
_EXPRESSIONS = {
    "assertTrue": "{0}",
    "assertFalse": "not {0}",
    "assertIsNone": "{0} is None",
    "assertIsNotNone": "{0} is not None",
    "assertIsInstance": "isinstance({0}, {1})",
    "assertNotIsInstance": "not isinstance({0}, {1})",
}
# All other modules are the solution's.
_KNOWN_MODULES = {*sys.stdlib_module_names, *LIBRARIES}
_SIDE_EFFECTS = ("pytest.warns", "pytest.deprecated_call", "self.assertWarns", "self.assertLogs")
_RAISES = ("pytest.raises", "raises")


def is_foreign(module: str) -> bool:
    """Whether a module is neither the standard library's nor what tests are written with: the solution's."""
    return module.split(".")[0] not in _KNOWN_MODULES


def plain(module: ast.Module, entry_point: str) -> ast.Module:
    """The file with the solution's functions and the TestCase under their usual names, and unittest's
    assertions as plain ones."""
    modules = {
        alias.asname or alias.name
        for part in ast.walk(module)
        if isinstance(part, ast.Import)
        for alias in part.names
        if is_foreign(alias.name)
    }
    cases = {
        target.id: "self"
        for part in module.body
        if isinstance(part, ast.Assign) and ast.unparse(part.value) in ("unittest.TestCase()", "TestCase()")
        for target in part.targets
        if isinstance(target, ast.Name)
    }
    if cases:
        _Renamed(cases).visit(module)
    for part in ast.walk(module):
        if isinstance(part, ast.ClassDef):
            for method in part.body:
                if isinstance(method, Function) and method.args.args and not method.decorator_list:
                    first = method.args.args[0]
                    _Renamed({first.arg: "self"} if first.arg != "self" else {}).visit(method)
                    first.arg = "self"
    module = _Attributes(modules).visit(module)
    plain: ast.Module = _Plain().visit(module)
    return plain


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        node.id = self.names.get(node.id, node.id)
        return node


class _Attributes(ast.NodeTransformer):
    """`solution.f` as `f`: whatever module the solution would be in. A module that is used in another way (to
    set a name of it, to patch one) stays, and every such use is marked."""

    def __init__(self, modules: set[str]) -> None:
        self.modules = modules
        self.roots = {name.split(".")[0] for name in modules}
        self.used: set[str] = set()

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self.generic_visit(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.roots:
                part.is_module = True  # type: ignore[attr-defined]
                self.used.add(part.id)
        return _Imports(self.modules, self.used).visit(node)  # type: ignore[no-any-return]

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and dotted(node.value) in self.modules:
            return ast.copy_location(ast.Name(id=node.attr, ctx=node.ctx), node)
        self.generic_visit(node)
        return node


class _Imports(ast.NodeTransformer):
    """Without imports of the solution's modules that nothing uses any more; none is relative to a package."""

    def __init__(self, modules: set[str], used: set[str]) -> None:
        self.modules, self.used = modules, used

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        node.names = [
            alias
            for alias in node.names
            if (name := alias.asname or alias.name) not in self.modules or name.split(".")[0] in self.used
        ]
        return node if node.names else ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        if node.level:
            node.level, node.module = 0, node.module or "solution"
        return node


class _Plain(ast.NodeTransformer):
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
        typed = any(isinstance(arg, _TYPED.get(name, ())) for arg in args[:2])
        if (typed or name in _COMPARE) and len(args) >= 2 and _only_message(call):
            sign = _COMPARE.get(name, ast.Eq)()
            test = ast.Compare(left=args[0], ops=[sign], comparators=[args[1]])
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
    asked = [options[name] for name in ("places", "delta") if name in options]
    if len(asked) > 1 or any(isinstance(value, ast.Constant) and value.value is None for value in asked):
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
    names = {f"argument_{number}_": arg for number, arg in enumerate(args)}
    test: ast.expr = _Filled(names).visit(ast.parse(pattern.format(*names), mode="eval").body)
    return ast.Assert(test=test, msg=None)


class _Filled(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.values.get(node.id, node)


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
    return isinstance(call, ast.Call) and dotted(call.func) in _RAISES


def asserts(node: ast.AST) -> bool:
    """Whether anything below the node is an assertion: plain, of a TestCase, of an exception, or a failure
    that is raised by hand."""
    return any(
        isinstance(part, ast.Assert)
        or (isinstance(part, ast.Call) and (_method(part).startswith("assert") or _fails(part)))
        or (isinstance(part, ast.With) and (is_raises(part) or asks_for_effect(part)))
        or (isinstance(part, ast.Raise) and part is not node and _is_failure(part.exc))
        for part in ast.walk(node)
    )


def _fails(call: ast.Call) -> bool:
    return dotted(call.func) in ("pytest.fail", "self.fail")


def _is_failure(error: ast.expr | None) -> bool:
    named = error.func if isinstance(error, ast.Call) else error
    return isinstance(named, ast.Name) and named.id in ("AssertionError", "Exception")


def asks_for_effect(node: ast.With) -> bool:
    """Whether this asks for a warning, or for a line of a log."""
    call = node.items[0].context_expr
    return isinstance(call, ast.Call) and dotted(call.func) in _SIDE_EFFECTS
