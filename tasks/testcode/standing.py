"""Tests that run as they stand: the statements that define a test of a file and run it as pytest does.

A test that cannot be taken apart (`tasks.testcode.proven`) is kept whole: behind the tests before it that
change what it sees, in a class of its own where it is a method, its marks, fixtures and tables around it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.testcode import classes, tables, whole
from tasks.testcode.marks import marked_body, marks_of, skip_steps
from tasks.testcode.names import Function, used_names
from tasks.testcode.patches import patches_of
from tasks.testcode.slices import Changing, History


@dataclass
class TestClass:
    """A test class as it is written, and what is around it. `changing`: of its tests so far those that change
    what its later ones see, by what they change, with what runs them."""

    node: ast.ClassDef
    outer: History
    is_plain: bool
    shared: set[str]
    changing: list[tuple[set[str], str, ast.stmt]] = field(default_factory=list)

    def run(
        self, name: str, names: set[str], decorators: Sequence[ast.expr]
    ) -> tuple[whole.Run, list[ast.stmt], list[ast.stmt]]:
        """How its test of a name is run, its definition, and what runs before it in the same class."""
        earlier = [(test, step) for changed, test, step in self.changing if changed & names]
        tests = {name, *(test for test, _ in earlier)}
        made = [classes.whole(one, tests) for one in classes.lineage(self.node, self.outer.bases)]
        methods = [part for one in made for part in one.body if isinstance(part, Function)]
        owner = whole.Owner(self.node.name, methods, classes.is_test_case(self.node, self.outer.bases))
        test = owner.method(name)
        assert test is not None
        run = whole.run_of(test, [*self.outer], decorators, owner)
        return run, [*made], [step for _, step in earlier]


def whole_test(
    node: Function,
    setup: History,
    decorators: Sequence[ast.expr],
    row: tables.MarkedRow,
    inside: TestClass | None,
) -> ast.Module:
    """A test as pytest runs it, behind the tests that change what it sees."""
    steps = run_steps(node, setup, decorators, row, inside)
    names = {name for step in [*node.body, *steps] for name in setup.names(step)}
    earlier = [step for one in setup.changing if one.names & names for step in one.run]
    *before, last = [*earlier, *steps]
    if inside is not None and not any(
        name.startswith("self_") for step in steps for name in used_names(step)
    ):
        setup = inside.outer
    return ast.Module(body=[*setup.followed_by(*before).slice(last), last], type_ignores=[])


def run_steps(
    node: Function,
    setup: History,
    decorators: Sequence[ast.expr],
    row: tables.MarkedRow,
    inside: TestClass | None,
) -> list[ast.stmt]:
    """The statements that define a test and run it, the last of which is its own."""
    marks = marks_of([*decorators, *row.marks])
    if inside is not None:
        names = {name for step in node.body for name in setup.names(step)}
        names |= {f"self_{name}" for name in classes.attributes_of(inside.node, node.name)}
        run, defined, earlier = inside.run(node.name, names, decorators)
    else:
        function = type(node)(
            name=node.name, args=node.args, body=node.body, decorator_list=own_decorators(node, setup)
        )
        run, defined, earlier = whole.run_of(node, [*setup], decorators), [function], []
    _, loops = tables.parametrized(decorators, marked_body(run.inner(), marks), [*setup], whole.GIVEN)
    last = run.around(loops)
    imports = ast.parse("import contextlib").body if "contextlib" not in setup.versions else []
    return [*imports, *defined, *earlier, *skip_steps(marks), *row.steps, last]


def note_changes(
    node: Function,
    setup: History,
    decorators: Sequence[ast.expr],
    rows: Sequence[tables.MarkedRow],
    inside: TestClass | None,
) -> None:
    """Remembers a test that changes what later ones of its class or file see."""
    changed = setup.changed_by(node)
    own = {name for name in changed if name.startswith("self_")}
    changed -= own
    if inside is not None:
        own = (own & inside.shared) | {f"self_{name}" for name in classes.stored_on(inside.node, node.name)}
        if own:
            inside.changing += [
                (own, node.name, _quietly(run_steps(node, setup, decorators, row, inside)[-1]))
                for row in rows
            ]
    if changed:
        outer = setup if inside is None else inside.outer
        for row in rows:
            *before, last = run_steps(node, setup, decorators, row, inside)
            outer.changing.append(Changing(changed, [*before, _quietly(last)]))


def _quietly(step: ast.stmt) -> ast.stmt:
    """A step of an earlier test, whose failing is told of where it is asked for itself."""
    manager = ast.parse("contextlib.suppress(Exception)", mode="eval").body
    return ast.With(items=[ast.withitem(context_expr=manager)], body=[step])


def own_decorators(node: Function, before: History) -> list[ast.expr]:
    functions = {name for name, one in before.definitions.items() if isinstance(one, Function)}
    patches = patches_of(node.decorator_list)
    return [one for one in node.decorator_list if one in patches or used_names(one) & functions]
