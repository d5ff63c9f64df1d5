"""A test as pytest runs it, in plain Python: its class and its fixtures in their order, what ends them, and
the test itself as the function that it is. For tests that are not taken apart (`tasks.testcode.proven`).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.testcode.fixtures import (
    FINALIZERS,
    MODULE_SETUPS,
    PYTESTS_OWN,
    fixture_of,
    makers_of,
    used_by,
    yields,
)
from tasks.testcode.names import Function
from tasks.testcode.patches import mocks_given
from tasks.testcode.tables import PARAM, direct_names

GIVEN = "given_"
"""How the names begin of what a test's arguments are: no function of the file reads such a name."""
CASE = "case_of_test"
_ENDS, _ENDS_OF_ALL = "ends_of_test", "file_ends"


@dataclass(frozen=True)
class Owner:
    """The class of a test method: its name, its methods, inherited ones among them, whether it is a
    TestCase."""

    name: str
    methods: Sequence[Function]
    is_test_case: bool

    def method(self, name: str) -> Function | None:
        return next((one for one in reversed(self.methods) if one.name == name), None)


def run_of(
    test: Function,
    setup: Sequence[ast.stmt],
    decorators: Sequence[ast.expr],
    owner: Owner | None = None,
) -> Run:
    """How a test is run whose rows are bound before, under names that begin with `GIVEN`."""
    run = Run(test, setup, decorators, owner)
    run.fill()
    return run


def _uses(stack: str, lines: Sequence[str]) -> bool:
    return any(f"{stack}." in line or f"={stack}" in line for line in lines)


def _run_to_its_end(function: Function, call: str) -> str:
    """A call of a function, in the event loop of the test where it is a coroutine's."""
    return f"pytest.finished({call})" if isinstance(function, ast.AsyncFunctionDef) else call


def _stacked(name: str, body: Sequence[ast.stmt]) -> ast.With:
    manager = ast.parse("contextlib.ExitStack()", mode="eval").body
    item = ast.withitem(context_expr=manager, optional_vars=ast.Name(id=name, ctx=ast.Store()))
    return ast.With(items=[item], body=[*body])


class Run:
    """Lines of what is made once for all rows (`once`) and for each (`steps`)."""

    def __init__(
        self,
        test: Function,
        setup: Sequence[ast.stmt],
        decorators: Sequence[ast.expr],
        owner: Owner | None,
    ) -> None:
        self.test, self.setup, self.decorators, self.owner = test, setup, decorators, owner
        self.mocks = mocks_given(decorators)
        self.once: list[str] = []
        self.steps: list[str] = []
        self.bound = {name for name in direct_names(decorators) if not name.startswith(PARAM)}
        self.makers = makers_of(setup)
        self.own: set[int] = set()
        for method in owner.methods if owner else ():
            if (fixture := fixture_of(method)) is not None:
                self.own.add(id(method))
                self.makers.setdefault(fixture.name, []).append(method)

    def inner(self) -> list[ast.stmt]:
        """What runs for each row."""
        body = ast.parse("\n".join(self.steps)).body
        return [_stacked(_ENDS, body)] if _uses(_ENDS, self.steps) else body

    def around(self, body: Sequence[ast.stmt]) -> ast.stmt:
        """The one statement of what runs for all rows, and in it for each."""
        if not self.once and len(body) == 1:
            return body[0]
        return _stacked(_ENDS_OF_ALL, [*ast.parse("\n".join(self.once)).body, *body])

    def fill(self) -> None:
        functions = {step.name: step for step in self.setup if isinstance(step, ast.FunctionDef)}
        for name in MODULE_SETUPS[:2]:
            if name in functions:
                self.once.append(f"{name}({', '.join(['None'] * len(functions[name].args.args))})")
        for name in ("tearDownModule", "teardown_module"):
            if name in functions:
                nothing = ["None"] * len(functions[name].args.args)
                self.once.append(f"{_ENDS_OF_ALL}.callback({', '.join([name, *nothing])})")
        if self.owner is None:
            self._around(functions)
            for name in used_by(self.test, self.setup, self.decorators):
                self.bind(name)
            self.steps.append(_run_to_its_end(self.test, f"{self.test.name}({self._words(self.test)})"))
        else:
            self._in_class(self.owner)

    def _around(self, functions: dict[str, ast.FunctionDef]) -> None:
        for name, ending in (("setup_function", False), ("teardown_function", True)):
            if name in functions:
                told = [self.test.name] * len(functions[name].args.args)
                line = (
                    f"{_ENDS}.callback({', '.join([name, *told])})"
                    if ending
                    else f"{name}({', '.join(told)})"
                )
                self.steps.append(line)

    def _in_class(self, owner: Owner) -> None:
        for name, ending in (
            *(
                ("setUpClass", False),
                ("setup_class", False),
                ("tearDownClass", True),
                ("teardown_class", True),
            ),
        ):
            method = owner.method(name)
            if method is None or owner.is_test_case != (name.endswith("Class")):
                continue
            bound = any(ast.unparse(one) in ("classmethod", "staticmethod") for one in method.decorator_list)
            told = [] if bound or not method.args.args else [owner.name]
            called = f"{owner.name}.{name}"
            self.once.append(
                f"{_ENDS_OF_ALL}.callback({', '.join([called, *told])})"
                if ending
                else f"{called}({', '.join(told)})"
            )
        self.steps.append(f"{CASE} = {owner.name}({repr(self.test.name) if owner.is_test_case else ''})")
        for name in used_by(self.test, self.setup, self.decorators):
            self.bind(name)
        if owner.is_test_case:
            for name in used_by(self.test, owner.methods, ()):
                self.bind(name)
            self.steps.append(f"{CASE}.debug()")
            return
        for name, ending in (("setup_method", False), ("teardown_method", True)):
            method = owner.method(name)
            if method is None:
                continue
            told = [f"{CASE}.{self.test.name}"] if len(method.args.args) > 1 else []
            called = f"{CASE}.{name}"
            self.steps.append(
                f"{_ENDS}.callback({', '.join([called, *told])})"
                if ending
                else f"{called}({', '.join(told)})"
            )
        for name in used_by(self.test, owner.methods, ()):
            self.bind(name)
        called = f"{CASE}.{self.test.name}({self._words(self.test, skip=1)})"
        self.steps.append(_run_to_its_end(self.test, called))

    def _words(self, function: Function, skip: int = 0) -> str:
        """The arguments of a call, once all of them are bound; those with a default are not asked for."""
        skip += self.mocks if function is self.test else 0
        args = function.args.args[skip : len(function.args.args) - len(function.args.defaults)]
        words = []
        for arg in args:
            if arg.arg == FINALIZERS:
                words.append(f"{FINALIZERS}={_ENDS}")
                continue
            self.bind(arg.arg)
            words.append(f"{arg.arg}={GIVEN}{arg.arg}")
        return ", ".join(words)

    def bind(self, name: str) -> None:
        if name not in self.bound and name in self.makers:
            self.bound.add(name)
            self._make(name, self.makers[name])
        elif name not in self.bound and name in PYTESTS_OWN:
            self.bound.add(name)
            self.steps.append(f"{GIVEN}{name} = pytest.given({name!r})")

    def _make(self, name: str, ways: Sequence[Function]) -> None:
        maker = ways[-1]
        is_own = id(maker) in self.own
        if any(arg.arg == name for arg in maker.args.args) and len(ways) > 1:
            # It changes what the fixture gives that it replaces.
            self._make(name, ways[:-1])
        words = self._words(maker, skip=int(is_own))
        fixture = fixture_of(maker)
        once = fixture is not None and fixture.is_made_once and fixture.params is None and not is_own
        lines, stack = (self.once, _ENDS_OF_ALL) if once else (self.steps, _ENDS)
        if once:
            words = words.replace(f"={_ENDS}", f"={_ENDS_OF_ALL}")
        call = f"{f'{CASE}.' if is_own else ''}{maker.name}({words})"
        if yields(maker) and isinstance(maker, ast.AsyncFunctionDef):
            lines += [
                f"open_{name} = {call}",
                f"{GIVEN}{name} = pytest.finished(anext(open_{name}))",
                f"{stack}.callback(pytest.ended, open_{name})",
            ]
        elif yields(maker):
            lines += [
                f"open_{name} = {call}",
                f"{GIVEN}{name} = next(open_{name})",
                f"{stack}.callback(next, open_{name}, None)",
            ]
        else:
            lines.append(f"{GIVEN}{name} = {_run_to_its_end(maker, call)}")
