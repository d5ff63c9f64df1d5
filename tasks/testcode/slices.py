"""What an assertion stands on: the statements that must run before it, and no others.

A test file may be taken apart only where that changes nothing. So an assertion keeps every statement before
it, other assertions among them, that shares with it, or with what it keeps, an object that may change: a
list under any of its names, a counter that a helper moves, what a call of the solution may alter. Only
constants, imports and definitions are shared freely. By syntax alone: nothing is run or resolved.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.testcode.names import Function, Import, bound_names, free_names, global_names, root_of, used_names
from tasks.testcode.statements import facts_of

# What only looks at its arguments.
_PURE = {
    *("abs", "all", "any", "bool", "callable", "complex", "dict", "divmod", "enumerate", "float"),
    *("frozenset", "hasattr", "hash", "id", "int", "isinstance", "issubclass", "len", "list", "max", "min"),
    *("range", "repr", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip"),
}
_PURE_METHODS = {
    *("copy", "count", "endswith", "get", "index", "isdigit", "isupper", "items", "join", "keys", "lower"),
    *("split", "startswith", "strip", "upper", "values"),
}
# So many assertions stand on each other in one test.
CHAIN_MAX = 20
_GIVEN = {"pytest", "math", "isclose", "unittest", "self"}
# Stands for the state of the solution's process.
_SOLUTION = "<solution>"
Version = tuple[str, int]
"""A name and which of its assignments: each that says nothing of the value before makes another object."""


@dataclass(frozen=True)
class _Step:
    """A statement with the objects that it has to do with, and those that it makes."""

    statement: ast.stmt
    touched: frozenset[Version]
    bound: frozenset[Version]
    exits: bool
    is_seen: bool = True
    """Whether later statements may stand on it that do not look at the solution's own state."""


@dataclass(frozen=True)
class Changing:
    """A test that changes what stands under names of the file, and the statements that run it."""

    names: set[str]
    run: list[ast.stmt]


class History:
    """The statements before an assertion, in order, and which objects each of them has to do with."""

    def __init__(self, entry_point: str, bases: Mapping[str, ast.ClassDef] | None = None) -> None:
        self.entry_point = entry_point
        # Classes of the file from which test classes inherit.
        self.bases: Mapping[str, ast.ClassDef] = bases or {}
        self.steps: list[_Step] = []
        self.versions: dict[str, int] = {}
        self.definitions: dict[str, ast.stmt] = {}
        # Functions by the name that each was written with.
        self.functions: dict[str, Function] = {}
        # What nobody can change: constants, modules, definitions.
        self.shared: set[Version] = set()
        # Names that a function of the file binds, and its functions that may end the process.
        self.moved: set[str] = set()
        self.exiting: set[str] = set()
        # Assertions at the end of a long chain: only the last of a chain is a test of its own.
        self.chained: list[tuple[ast.stmt, ast.Module]] = []
        # Whether something is changed that whoever runs may look at.
        self.is_ambient = False
        # Tests that change what others of the file see.
        self.changing: list[Changing] = []

    def __iter__(self) -> Iterator[ast.stmt]:
        return (step.statement for step in self.steps)

    def followed_by(self, *statements: ast.stmt) -> History:
        """Another history, which goes on from this one."""
        other = History(self.entry_point, self.bases)
        other.steps, other.versions = [*self.steps], {**self.versions}
        other.functions = {**self.functions}
        other.definitions, other.shared = {**self.definitions}, {*self.shared}
        other.moved, other.exiting = {*self.moved}, {*self.exiting}
        other.changing, other.is_ambient = [*self.changing], self.is_ambient
        for statement in statements:
            other.add(statement)
        return other

    def add(self, statement: ast.stmt) -> None:
        facts = facts_of(statement)
        if isinstance(statement, Function):
            self.functions[statement.name] = statement
        # What a definition does it does when it is called.
        touched = self._made_with(statement) if facts.is_definition else self.touched(statement)
        exits = not facts.is_definition and (facts.exits or bool(facts.free & self.exiting))
        if facts.is_definition:
            self.definitions |= dict.fromkeys(facts.bound, statement)
            if facts.exits or facts.free & self.exiting:
                self.exiting |= facts.bound
        if facts.binds_anew:
            touched = {version for version in touched if version[0] not in facts.bound}
        bound = set()
        for name in facts.bound:
            if facts.binds_anew:
                self.versions[name] = self.versions.get(name, 0) + 1
            version = (name, self.versions.setdefault(name, 0))
            bound.add(version)
            if facts.binds_anew and facts.is_fixed and name not in self.moved:
                self.shared.add(version)
            else:
                self.shared.discard(version)
        if any(isinstance(self.definitions.get(name), Import) for name in _stores_in(statement)):
            # A module is one for all that look at it: any of them may do something else now.
            self.is_ambient = True
        for name in facts.moved:
            # By a function that declares it global, whenever that is called.
            self.shared.discard((name, self.versions.setdefault(name, 0)))
            self.moved.add(name)
        if (told := _told(statement)) in self.definitions:
            self.shared.discard((told, self.versions[told]))
        self.steps.append(_Step(statement, frozenset(touched | bound), frozenset(bound), exits))

    def _made_with(self, definition: ast.stmt) -> set[Version]:
        """The solution, where it is asked for a decorator or a base class: it may remember what it made."""
        around = [*getattr(definition, "decorator_list", ()), *getattr(definition, "bases", ())]
        used = set().union(*map(used_names, around)) if around else set()
        own = self.versions.keys() | self.bases.keys() | _GIVEN
        asked = any(name not in own and not hasattr(builtins, name) for name in used)
        return {(_SOLUTION, 0)} if asked else set()

    def add_unseen(self, assertion: ast.stmt) -> None:
        """Remembers an assertion that changes nothing but, perhaps, what the solution remembers."""
        touched = frozenset(self.touched(assertion))
        self.steps.append(_Step(assertion, touched, frozenset(), False, is_seen=False))

    def _looks_at_solution(self, statement: ast.stmt) -> bool:
        """Whether a statement reads a name of the solution's in another way than to call it (`COUNT`,
        `f.calls`): that says what was called before."""
        called = {id(part.func) for part in ast.walk(statement) if isinstance(part, ast.Call)}
        own = bound_names(statement) | {part.arg for part in ast.walk(statement) if isinstance(part, ast.arg)}
        return any(
            isinstance(part, ast.Name)
            and isinstance(part.ctx, ast.Load)
            and id(part) not in called
            and part.id in facts_of(statement).free - own
            and part.id not in self.versions
            and part.id not in _GIVEN
            and not hasattr(builtins, part.id)
            for part in ast.walk(statement)
        )

    def names(self, statement: ast.stmt) -> set[str]:
        """The names that a statement has to do with, by its own hand or by the functions of the file."""
        found: set[str] = set()
        waiting = set(facts_of(statement).free | facts_of(statement).bound)
        while waiting:
            found |= waiting
            helpers = [self.definitions[name] for name in waiting if name in self.definitions]
            waiting = set().union(*(facts_of(one).free | facts_of(one).bound for one in helpers)) - found
        return found

    def touched(self, statement: ast.stmt) -> set[Version]:
        """Those of the names that the file binds, as they stand now; and the solution where it is called
        for what it does, not for what it returns."""
        names = self.names(statement)
        touched = {(name, self.versions[name]) for name in names & self.versions.keys()}
        helpers = [self.definitions[name] for name in names & self.definitions.keys()]
        alone = set().union(*(facts_of(one).calls_alone for one in (statement, *helpers)))
        alone |= _stores_in(statement)
        if any(name not in self.versions and not hasattr(builtins, name) for name in alone):
            touched.add((_SOLUTION, 0))
        return touched

    def reached(self, statement: ast.stmt) -> list[ast.stmt]:
        """The definitions of the file that a statement may come to."""
        known = {id(one): one for name in self.names(statement) if (one := self.definitions.get(name))}
        return [*known.values()]

    def changed_by(self, function: ast.stmt) -> set[str]:
        """The names of the file whose objects a function, or one that it calls, surely changes: by an
        assignment to a name that is global or to a part of the object, or by a method that does more than
        look."""
        found: set[str] = set()
        for one in (function, *self.reached(function)):
            if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            outside = free_names(one) & self.versions.keys()
            found |= global_names(one) & bound_names(ast.Module(body=one.body, type_ignores=[]))  # type: ignore[arg-type]
            for part in ast.walk(one):
                called = part.func if isinstance(part, ast.Call) else None
                if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
                    found |= {root_of(part)} & outside
                elif isinstance(called, ast.Attribute) and called.attr not in _PURE_METHODS:
                    found |= {root_of(called)} & outside - self.definitions.keys()
        return found

    def changes_nothing(self, statement: ast.stmt) -> bool:
        """Whether an assertion binds nothing and only looks at what may change."""
        if facts_of(statement).bound:
            return False
        changing = {name for name, _ in self.touched(statement) - self.shared}
        if not changing:
            return isinstance(statement, ast.Assert) or not self._sees_anything()
        return isinstance(statement, ast.Assert) and self._looks_only(statement.test, changing)

    def _looks_only(self, node: ast.expr, changing: set[str]) -> bool:
        methods = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda):
                return False
            if isinstance(part, ast.Attribute) and root_of(part) in changing and id(part) not in methods:
                # A property may do anything.
                return False
            if not isinstance(part, ast.Call) or not self.names(ast.Expr(value=part)) & changing:
                continue
            pure = isinstance(part.func, ast.Name) and part.func.id in _PURE - self.versions.keys()
            method = isinstance(part.func, ast.Attribute) and part.func.attr in _PURE_METHODS
            if not pure and not method:
                return False
        return True

    def is_changed_by(self, body: Sequence[ast.stmt]) -> bool:
        """Whether a body, of a loop, does more with what may change here than look at it in assertions."""
        return not all(
            self.changes_nothing(part) if isinstance(part, ast.Assert) else self.touched(part) <= self.shared
            for part in body
        )

    def _sees_anything(self) -> bool:
        """Whether what any statement does may be seen: what it prints, changes in a module, or calls back."""
        return self.is_ambient or any(facts_of(step.statement).is_dynamic for step in self.steps)

    def slice(self, assertion: ast.stmt) -> list[ast.stmt]:
        """The statements that the assertion stands on, in order."""
        needed = self.touched(assertion) | {(_SOLUTION, 0)}
        names = self.names(assertion)
        chosen: set[int] = set()
        anything = self._sees_anything()
        unseen = any(map(self._looks_at_solution, (assertion, *self.reached(assertion))))
        timed = facts_of(assertion).reads_clock
        growing = True
        while growing:
            growing = False
            anything = anything or timed
            for number, step in enumerate(self.steps):
                if number in chosen or not (step.is_seen or unseen):
                    continue
                matters = step.bound & needed or (step.touched - self.shared) & needed
                if matters or anything or not step.is_seen or step.exits or self._is_star(step, names):
                    chosen.add(number)
                    timed = timed or facts_of(step.statement).reads_clock
                    needed |= step.touched
                    names |= self.names(step.statement)
                    if facts_of(step.statement).is_definition:
                        needed |= self.touched(step.statement)
                    growing = True
        return [self.steps[number].statement for number in sorted(chosen)]

    def _is_star(self, step: _Step, names: set[str]) -> bool:
        """An import of everything, where some name comes from nowhere else."""
        if "*" not in facts_of(step.statement).bound:
            return False
        return not names <= {*self.versions, self.entry_point, "pytest", *dir(builtins)}


def _told(statement: ast.stmt) -> str:
    """`random` of `random.seed(1)` on a line of its own, else ""."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return ""
    node: ast.expr = statement.value.func
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) and node is not statement.value.func else ""


def _stores_in(statement: ast.stmt) -> set[str]:
    """The names of the objects of which a statement sets or deletes an attribute or an item."""
    return {
        root_of(part)
        for part in ast.walk(statement)
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load)
    } - {""}


def is_long_chain(kept: Sequence[ast.stmt]) -> bool:
    """Whether so many of these statements are assertions that one more is better none of its own: each of
    a thousand would hold all before it."""
    return sum(facts_of(statement).asserts for statement in kept) > CHAIN_MAX
