"""A test class as plain statements: what it and its instances store, its helpers, its fixtures, its tests. By
syntax alone: `self.x` is `self_x`, a method is a function.
"""

from __future__ import annotations

import ast
import copy
import unittest
from collections.abc import Collection, Iterator, Mapping, Sequence

from tasks.testcode.fixtures import decorators_of, fixture_of, is_fixture, mark_fixture, without_request
from tasks.testcode.names import Function, free_names
from tasks.testcode.patches import patches_of
from tasks.testcode.proven import is_quiet, is_straight, own_names

_TEARDOWNS = ("tearDown", "teardown_method", "tearDownClass", "teardown_class", "teardown")
_SETUPS = ("setUpClass", "setUp", "setup_class", "setup_method", "setup")
# Decorators that say how a method is bound; as a function it is not.
_BINDING = ("staticmethod", "classmethod")
_PROPERTIES = ("property", "cached_property", "functools.cached_property")
_TEST_CASES = {"unittest.TestCase", "TestCase", "unittest.IsolatedAsyncioTestCase", "IsolatedAsyncioTestCase"}


def bases_of(module: ast.Module) -> dict[str, ast.ClassDef]:
    """The classes of a file from which others in it inherit, by name; copies."""
    classes = [part for part in module.body if isinstance(part, ast.ClassDef)]
    inherited = {name for part in classes for name in _base_names(part)}
    return {part.name: copy.deepcopy(part) for part in classes if part.name in inherited}


def _base_names(node: ast.ClassDef) -> list[str]:
    return [base.id for base in node.bases if isinstance(base, ast.Name)]


def is_collected(node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]) -> bool:
    """Whether pytest runs the tests of a class; those of a mixin run in the classes that inherit it, those of
    a class that makes its objects itself nowhere."""
    if is_test_case(node, bases):
        return True
    makes = any(
        isinstance(part, Function) and part.name in ("__init__", "__new__")
        for one in lineage(node, bases)
        for part in one.body
    )
    return node.name.startswith("Test") and not makes


def is_test_case(node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]) -> bool:
    classes = lineage(node, bases)
    return any(ast.unparse(base) in _TEST_CASES for one in classes for base in one.bases)


def lineage(node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """A class behind those of the file from which it inherits, the nearest last."""
    found: list[ast.ClassDef] = [node]
    waiting = _base_names(node)
    names = {node.name}
    while waiting:
        name = waiting.pop(0)
        if name in bases and name not in names:
            names.add(name)
            found.append(bases[name])
            waiting += _base_names(bases[name])
    return found[::-1]


def has_tests(node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]) -> bool:
    """Whether a class, or a class in it, has tests of its own or of a class from which it inherits."""
    return any(
        (isinstance(part, Function) and part.name.startswith("test"))
        or (isinstance(part, ast.ClassDef) and has_tests(part, {}))
        for one in lineage(node, bases)
        for part in one.body
    )


def is_plain(node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]) -> bool:
    """Whether the methods of a test class use their object for its attributes alone, its setups are straight
    and nothing is done behind its tests: then `class_parts` means what the class does."""
    methods = methods_of(node, bases)
    outside = set().union(*map(free_names, methods)) if methods else set()
    for method in methods:
        if isinstance(method, ast.AsyncFunctionDef) and not method.name.startswith("test"):
            # What runs before a test in its event loop, or is awaited there.
            return False
        first = method.args.args[0].arg if method.args.args and not _is_static(method) else ""
        attributes = [
            part
            for part in ast.walk(method)
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == first
        ]
        uses = sum(isinstance(part, ast.Name) and part.id == first for part in ast.walk(method))
        inner = sum(isinstance(part, ast.arg) and part.arg == first for part in ast.walk(method))
        if inner > 1:
            # A class, or a function, in it has another object of that name.
            return False
        if uses != len(attributes) or any(
            part.attr.startswith("_") and part.attr[1:2] in "_t" for part in attributes
        ):
            return False
        if method.name in _SETUPS and (len(method.args.args) > 1 or not is_straight(method.body, ())):
            return False
        if method.name in _SETUPS and own_names(method.body) & outside:
            return False
        if method.name in _TEARDOWNS and not all(map(is_quiet, method.body)):
            return False
    return True


def methods_of(node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]) -> list[Function]:
    """Those of a class and of the classes from which it inherits in its file, the nearest last; copies."""
    classes = [copy.deepcopy(one) for one in lineage(node, bases)]
    return [part for one in classes for part in one.body if isinstance(part, Function)]


def _is_static(method: Function) -> bool:
    return "staticmethod" in decorators_of(method)


def shared_in(node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]) -> set[str]:
    """The names that all tests of a class share, as `class_parts` writes them: of its body and what is set up
    once, but not what is set up for each test."""
    once, each = set[str](), set[str]()
    for one in lineage(node, bases):
        once |= own_names([part for part in one.body if not isinstance(part, Function)])
    for method in methods_of(node, bases):
        if method.name in ("setUpClass", "setup_class"):
            once |= _stored_in(method)
        elif method.name in _SETUPS:
            each |= _stored_in(method)
    return {f"self_{name}" for name in once - each}


def _stored_in(method: ast.AST) -> set[str]:
    return {
        part.attr
        for part in ast.walk(method)
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
    }


def stored_on(node: ast.ClassDef, test: str) -> set[str]:
    """The attributes that a test stores on its class itself: `TestA.made = 1`."""
    owners = {node.name, "cls", "type(self)", "self.__class__"}
    return {
        part.attr
        for method in node.body
        if isinstance(method, Function) and method.name == test
        for part in ast.walk(method)
        if isinstance(part, ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and ast.unparse(part.value) in owners
    }


def attributes_of(node: ast.ClassDef, test: str) -> set[str]:
    """The names of attributes that a test of a class mentions."""
    return {
        part.attr
        for method in node.body
        if isinstance(method, Function) and method.name == test
        for part in ast.walk(method)
        if isinstance(part, ast.Attribute)
    }


def whole(node: ast.ClassDef, tests: Collection[str]) -> ast.ClassDef:
    """A copy of a test class with its fixtures, as functions of its objects, and these tests of it alone."""
    made = copy.deepcopy(node)
    made.decorator_list = patches_of(made.decorator_list)
    named = {part.attr for part in ast.walk(made) if isinstance(part, ast.Attribute)}
    made.body = [
        part
        for part in made.body
        if not isinstance(part, Function) or not part.name.startswith("test") or part.name in {*tests, *named}
    ] or [ast.Pass()]
    for method in made.body:
        if isinstance(method, Function):
            if method.name in tests:
                method.decorator_list = patches_of(method.decorator_list)
                without_request(method)
            mark_fixture(method)
    return made


def class_parts(
    node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]
) -> tuple[list[ast.stmt], list[Function]]:
    """A test class as setup (`self.x` is `self_x`, its helpers and its fixtures are functions) and its test
    functions; what it inherits in its file is its own. Uses the class up."""
    body, replaced = _with_inherited(node, bases)
    methods = [part for part in body if isinstance(part, ast.FunctionDef)]
    tests = [part for part in body if isinstance(part, Function) and part.name.startswith("test")]
    ready = [method for name in _SETUPS for method in methods if method.name == name]
    ready = [method for method in ready if not is_fixture(method)]
    names = {part.name for part in lineage(node, bases)}
    change = _SelfAttributes({"self", "cls", *names}, methods, replaced)
    setup: list[ast.stmt] = list(ast.parse("import unittest\nself = unittest.TestCase()").body)
    own: set[str] = set()
    for part in body:
        if isinstance(part, Function) or _is_text(part):
            continue
        if isinstance(part, ast.ClassDef):
            if has_tests(part, {}):
                continue
            own.add(part.name)
            part.name = f"self_{part.name}"
        own |= {
            one.id for one in ast.walk(part) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }
        setup.append(change.visit(_ClassNames(own).visit(part)))
    for method in (part for part in body if isinstance(part, Function)):
        # The names of a class are known where its methods are made, not in them.
        in_class = _ClassNames(own)
        method.decorator_list = [in_class.visit(one) for one in method.decorator_list]
        method.args.defaults = [in_class.visit(one) for one in method.args.defaults]
    before: list[ast.stmt] = []
    for method in methods:
        if is_fixture(method):
            setup.append(_as_fixture(method, change))
        elif method in tests or method in ready:
            change.visit(method)
        else:
            setup.append(_as_function(method, change))
    for method in ready:
        before += method.body
    return [*setup, *before], tests


def fixtures_in(setup: Sequence[ast.stmt]) -> list[ast.stmt]:
    """What classes inside of a class have of it: its fixtures, and what these stand on."""
    return [*setup] if any(fixture_of(step) is not None for step in setup) else []


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _with_inherited(
    node: ast.ClassDef, bases: Mapping[str, ast.ClassDef]
) -> tuple[list[ast.stmt], dict[str, list[list[ast.stmt]]]]:
    """The body of a class after that of its bases in the file, without the methods that it replaces; and the
    bodies of those, the nearest last."""
    body: list[ast.stmt] = []
    replaced: dict[str, list[list[ast.stmt]]] = {}
    for one in lineage(node, bases):
        parts = one.body if one is node else copy.deepcopy(one).body
        names = {part.name for part in parts if isinstance(part, Function)}
        kept: list[ast.stmt] = []
        for part in body:
            if isinstance(part, Function) and part.name in names:
                replaced.setdefault(part.name, []).append(part.body)
            else:
                kept.append(part)
        body = [*kept, *parts]
    return body, replaced


def _as_function(method: ast.FunctionDef, change: _SelfAttributes) -> ast.stmt:
    """A helper method as the function `self_name`."""
    decorators = decorators_of(method)
    if method.args.args and "staticmethod" not in decorators:
        method.args.args.pop(0)
    method.decorator_list = [
        one
        for one, name in zip(method.decorator_list, decorators, strict=True)
        if name not in (*_BINDING, *_PROPERTIES)
    ]
    declare(change.visit(method))
    method.name = f"self_{method.name}"
    return method


def _as_fixture(method: ast.FunctionDef, change: _SelfAttributes) -> ast.stmt:
    """A fixture of a class as one of the file, under a name of its own."""
    if method.args.args and "staticmethod" not in decorators_of(method):
        method.args.args.pop(0)
    method.decorator_list = [
        one
        for one, name in zip(method.decorator_list, decorators_of(method), strict=True)
        if name not in _BINDING
    ]
    mark_fixture(method)
    declare(change.visit(method))
    if fixture_of(method) is not None:
        method.name = f"self_{method.name}"
    return method


def declare(function: ast.FunctionDef) -> None:
    """What a method stores in its object is there for the others."""
    stored = {
        part.id
        for part in ast.walk(function)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) and part.id.startswith("self_")
    }
    if stored:
        function.body.insert(0, ast.Global(names=sorted(stored)))


class _ClassNames(ast.NodeTransformer):
    """The names of a class as they stand in its body: `CASES` is `self_CASES`."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.names:
            return ast.copy_location(ast.Name(id=f"self_{node.id}", ctx=node.ctx), node)
        return node


class _SelfAttributes(ast.NodeTransformer):
    """`self.x`, `cls.x` -> `self_x`: what setUp stores becomes plain setup. TestCase's own names stay. A
    property is called; `super().setUp()` is what the class in the file does there that is inherited."""

    def __init__(
        self,
        owners: set[str],
        methods: Sequence[ast.FunctionDef],
        replaced: Mapping[str, list[list[ast.stmt]]],
    ) -> None:
        self.owners, self.replaced = owners, {name: [*bodies] for name, bodies in replaced.items()}
        self.properties = {one.name for one in methods if {*_PROPERTIES} & {*decorators_of(one)}}

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.value, ast.Name) or node.value.id not in self.owners:
            return node
        if hasattr(unittest.TestCase, node.attr) and not node.attr.startswith("setUp"):
            return node
        name = ast.copy_location(ast.Name(id=f"self_{node.attr}", ctx=node.ctx), node)
        if node.attr in self.properties and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Call(func=name, args=[], keywords=[]), node)
        return name

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Call)
            and ast.unparse(call.func.value.func) == "super"
        ):
            return [*self._steps(call.func.attr)] or ast.copy_location(ast.Pass(), node)
        self.generic_visit(node)
        return node

    def _steps(self, method: str) -> Iterator[ast.stmt]:
        bodies = self.replaced.get(method)
        if not bodies:
            return
        nearest = bodies.pop()
        for step in copy.deepcopy(nearest):
            changed = self.visit(step)
            yield from changed if isinstance(changed, list) else [changed]
        bodies.append(nearest)
