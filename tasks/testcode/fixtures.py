"""What pytest runs before a test and after it: fixtures, the file's `setup_module` and the like. By syntax
alone, as plain statements.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tasks.testcode.names import Function, used_names
from tasks.testcode.proven import own_parts
from tasks.testcode.styles import asserts
from tasks.testcode.tables import PARAM, assigned, direct_names, indirect_names

FINALIZERS = "finalizers_of_request"
"""The argument that takes the place of `request` where that is asked for `addfinalizer`."""
MODULE_SETUPS = ("setUpModule", "setup_module", "setup_function")
_OPTIONS = {"name", "autouse", "scope", "params", "ids", "loop_scope"}
_FIXTURES = {"pytest.fixture", "fixture", "pytest_asyncio.fixture"}


# Those of pytest's that the test process has (`sandbox_image.given`).
PYTESTS_OWN = {"capsys", "capfd", "caplog", "monkeypatch", "recwarn", "tmp_path", "tmp_path_factory"} | {
    "event_loop"
}


@dataclass(frozen=True)
class Fixture:
    """What a function that is a fixture gives, to whom, and with which `request.param`."""

    name: str
    is_autouse: bool = False
    params: ast.expr | None = None
    is_made_once: bool = False
    """Whether all tests of a class, or of the file, share what it gives."""


@dataclass
class Given:
    """What runs before a test (`steps`), the arguments that nothing gives (`missing`), and the fixtures that
    ask for some of those. `asserts`: whether the steps do; `goes_on`: whether they do more after the test."""

    steps: list[ast.stmt] = field(default_factory=list)
    asserts: bool = False
    goes_on: bool = False
    missing: set[str] = field(default_factory=set)
    asking: list[Function] = field(default_factory=list)


def decorators_of(node: Function | ast.ClassDef) -> list[str]:
    return [ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]


def fixture_of(node: ast.stmt) -> Fixture | None:
    """What a function is as a fixture, once `mark_fixture` has seen it."""
    return getattr(node, "fixture", None)


def is_fixture(node: ast.stmt) -> bool:
    """Whether a function is written as a fixture."""
    return isinstance(node, Function) and not _FIXTURES.isdisjoint(decorators_of(node))


def mark_fixture(node: Function) -> None:
    """Of a function that is a fixture, takes the decorator away: `given_to` knows it by the mark. `request`
    is taken out of it (`without_request`); one with other options than are known stays as it is."""
    options = _options(node) if is_fixture(node) else {}
    if not is_fixture(node) or not options.keys() <= _OPTIONS:
        return
    named = options.get("name")
    name = str(named.value) if isinstance(named, ast.Constant) and named.value else node.name
    without_request(node, name)
    autouse = options.get("autouse")
    node.fixture = Fixture(  # type: ignore[union-attr]
        name,
        isinstance(autouse, ast.Constant) and bool(autouse.value),
        options.get("params"),
        getattr(options.get("scope"), "value", "function") != "function",
    )
    node.decorator_list = []


def _options(node: Function) -> dict[str, ast.expr]:
    calls = [one for one in node.decorator_list if isinstance(one, ast.Call)]
    return {keyword.arg or "": keyword.value for call in calls for keyword in call.keywords}


def without_request(node: Function, fixture: str = "") -> None:
    """`request.getfixturevalue("x")` becomes an argument, `request.param` the value that a table gives to
    this fixture, `request.addfinalizer` the `callback` of an ExitStack. Of what else it may be asked nothing
    is known: then it stays an argument."""
    if not any(arg.arg == "request" for arg in node.args.args):
        return
    change = _WithoutRequest(PARAM + fixture if fixture else "")
    node.body = [change.visit(step) for step in node.body]
    known = {arg.arg for arg in node.args.args}
    added = [ast.arg(arg=name) for name in sorted(change.asked - known)]
    if "request" not in set().union(*map(used_names, node.body)):
        node.args.args = [arg for arg in node.args.args if arg.arg != "request"]
    if change.finalizers:
        added.append(ast.arg(arg=FINALIZERS))
    # In front: those behind may have defaults.
    own = node.args.args[:1] if node.args.args and node.args.args[0].arg in ("self", "cls") else []
    node.args.args = [*own, *added, *node.args.args[len(own) :]]


class _WithoutRequest(ast.NodeTransformer):
    def __init__(self, param: str) -> None:
        self.param, self.asked, self.finalizers = param, set[str](), False

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.value, ast.Name) or node.value.id != "request":
            return node
        if node.attr == "param" and self.param:
            return ast.copy_location(ast.Name(id=self.param, ctx=node.ctx), node)
        if node.attr == "addfinalizer":
            self.finalizers = True
            stack = ast.Name(id=FINALIZERS, ctx=ast.Load())
            return ast.copy_location(ast.Attribute(value=stack, attr="callback", ctx=node.ctx), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.args[0] if len(node.args) == 1 else None
        if ast.unparse(node.func) == "request.getfixturevalue" and isinstance(name, ast.Constant):
            self.asked.add(str(name.value))
            return ast.copy_location(ast.Name(id=str(name.value), ctx=ast.Load()), node)
        self.generic_visit(node)
        return node


def asserts_in_calls(statement: ast.stmt, functions: dict[str, Function]) -> bool:
    """Whether a statement asserts something, by itself or by functions of the file that it mentions."""
    if asserts(statement):
        return True
    waiting, seen = used_names(statement) & functions.keys(), set[str]()
    while waiting:
        if any(asserts(functions[name]) for name in waiting):
            return True
        seen |= waiting
        waiting = set().union(*(used_names(functions[name]) for name in waiting)) & functions.keys() - seen
    return False


def used_by(
    node: Function,
    setup: Sequence[ast.stmt],
    decorators: Sequence[ast.expr],
) -> Iterator[str]:
    """The names of what a test uses without asking for it as an argument."""
    for step in setup:
        if (fixture := fixture_of(step)) is not None and fixture.is_autouse:
            yield fixture.name
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("usefixtures"):
            yield from (str(getattr(used, "value", "")) for used in decorator.args)


def tables_of_fixtures(
    node: Function,
    setup: Sequence[ast.stmt],
    decorators: Sequence[ast.expr],
) -> list[ast.expr]:
    """The `params` of the fixtures that a test uses, as marks that parametrize it."""
    makers = makers_of(setup)
    waiting = [arg.arg for arg in node.args.args] + [*used_by(node, setup, decorators)]
    seen = direct_names(decorators)
    given = indirect_names(decorators)
    found: list[ast.expr] = []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for maker in makers.get(name, ()):
            waiting += [arg.arg for arg in maker.args.args]
        fixture = fixture_of(makers[name][-1]) if name in makers else None
        if fixture is not None and fixture.params is not None and name not in given:
            mark = ast.parse("pytest.mark.parametrize", mode="eval").body
            arguments = [ast.Constant(value=PARAM + name), fixture.params]
            found.append(ast.Call(func=mark, args=arguments, keywords=[]))
    return found


def yields(maker: Function) -> bool:
    """Whether a fixture is a generator."""
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in own_parts(maker.body))


def _goes_on(maker: Function) -> bool:
    """Whether a fixture does anything after the test."""
    last = maker.body[-1]
    ends = isinstance(last, ast.Expr) and isinstance(last.value, ast.Yield)
    return yields(maker) and not (
        ends and sum(isinstance(one, ast.Yield) for one in own_parts(maker.body)) == 1
    )


def _before_yield(maker: Function) -> Iterator[ast.stmt]:
    """The statements of a fixture that are run before the test."""
    for step in maker.body:
        yield step
        if any(isinstance(part, ast.Yield) for part in ast.walk(step)):
            return


def makers_of(setup: Sequence[ast.stmt]) -> dict[str, list[Function]]:
    """The fixtures of each name, those of classes behind those of the file that they replace."""
    found: dict[str, list[Function]] = {}
    for step in setup:
        if isinstance(step, Function) and (fixture := fixture_of(step)) is not None:
            found[fixture.name] = [one for one in found.get(fixture.name, ()) if one.name != step.name]
            found[fixture.name].append(step)
    return found


def given_to(
    node: Function,
    known: Collection[str],
    setup: Sequence[ast.stmt],
    decorators: Sequence[ast.expr] = (),
) -> Given:
    """What runs before a test and binds its arguments that are not `known`: the file's `setup_module` and
    the like, fixtures that are always used or asked for, each with those that it asks for itself, defaults.
    """
    defaults = dict(zip([arg.arg for arg in node.args.args[::-1]], node.args.defaults[::-1], strict=False))
    functions = {step.name: step for step in setup if isinstance(step, Function)}
    makers = makers_of(setup)
    bound = set(known)
    given = Given()

    def bind(name: str) -> None:
        if name in bound:
            return
        bound.add(name)
        if name in defaults:
            given.steps += assigned([name], defaults[name], whole=True)
        elif name in makers:
            make(name, makers[name])
        elif name == FINALIZERS:
            given.goes_on = True
        elif name in PYTESTS_OWN:
            given.steps += ast.parse(f"{name} = pytest.given({name!r})").body
        else:
            given.missing.add(name)

    def make(name: str, ways: Sequence[Function]) -> None:
        maker = ways[-1]
        asked = [arg.arg for arg in maker.args.args if arg.arg != FINALIZERS]
        if name in asked and len(ways) > 1:
            # It changes what the fixture gives that it replaces.
            make(name, ways[:-1])
        for other in asked:
            bind(other)
        if given.missing & {*asked}:
            given.asking.append(maker)
        given.asserts = given.asserts or any(
            asserts_in_calls(step, functions) for step in _before_yield(maker)
        )
        late = isinstance(maker, ast.AsyncFunctionDef) or len(asked) < len(maker.args.args)
        given.goes_on = given.goes_on or late or _goes_on(maker)
        call = f"{maker.name}({', '.join(asked)})"
        given.steps += ast.parse(f"{name} = next({call})" if yields(maker) else f"{name} = {call}").body

    for step in functions.values():
        if step.name in MODULE_SETUPS:
            nothing = ", ".join(["None"] * len(step.args.args))
            given.steps += ast.parse(f"{step.name}({nothing})").body
    for name in (*used_by(node, setup, decorators), *(arg.arg for arg in node.args.args)):
        bind(name)
    return given
