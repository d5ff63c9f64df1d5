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

from tasks.core.values import ValueFormatError, literal
from tasks.testcode.styles import asserts

SKIPS = {"pytest.skip", "pytest.xfail", "self.skipTest"}
_MAY_SKIP = {"pytest.importorskip"}
_SKIP_ERRORS = {"unittest.SkipTest", "SkipTest", "pytest.skip.Exception"}
EXITS = {"exit", "quit", "sys.exit", "os._exit", "os.abort", "pytest.exit", *SKIPS}
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_IMPORTS = ast.Import | ast.ImportFrom
# Whoever uses these may change anything by any name.
# Whoever asks for these sees what any statement before has printed, warned of, logged, written or drawn.
_AMBIENT = {
    *("capsys", "capfd", "caplog", "recwarn", "monkeypatch", "redirect_stdout", "redirect_stderr", "stdout"),
    *("stderr", "stdin", "catch_warnings", "assertLogs", "environ", "chdir", "seed", "tmp_path"),
}
_DYNAMIC = {"exec", "eval", "globals", "locals", "vars", "setattr", "delattr", "__import__"}
# What tells the time: it is another one after every statement.
_CLOCKS = {
    *("perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "monotonic", "monotonic_ns"),
    *(
        "thread_time",
        "time_ns",
        "timeit",
        "default_timer",
        "getrusage",
        "tracemalloc",
        "now",
        "utcnow",
        "today",
    ),
}
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
# Stands for the state of the solution's process.
_SOLUTION = "<solution>"
Version = tuple[str, int]
"""A name and which of its assignments: each that says nothing of the value before makes another object."""


def used_names(node: ast.AST) -> set[str]:
    """The names that a statement reads or writes, at any depth."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement defines in its scope."""
    if isinstance(node, _DEFINITIONS):
        return {node.name}
    names = {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    for part in ast.walk(node):
        if isinstance(part, _IMPORTS):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
    return names


def free_names(node: ast.stmt) -> set[str]:
    """The names that a statement takes from outside: of a function, those it does not bind itself.

    Scopes inside the function are read as one; `global` gives its names back.
    """
    names = used_names(node)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return names
    own: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            own.add(part.arg)
        elif isinstance(part, ast.ExceptHandler) and part.name:
            own.add(part.name)
        elif isinstance(part, ast.stmt) and part is not node:
            own |= bound_names(part)
    outside = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    return (names - own) | _global_names(node) | set().union(*map(used_names, outside))


def _global_names(node: ast.AST) -> set[str]:
    return {name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names}


def stops(statement: ast.stmt) -> bool:
    """Whether nothing behind this statement is ever reached: a return, an exit, a skip."""
    if isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
        return True
    return isinstance(statement, ast.Expr) and _is_exit(statement.value)


def is_skip(statement: ast.stmt) -> bool:
    """Whether a statement that stops a test leaves its file as good as before: it returns, or skips."""
    if isinstance(statement, ast.Return):
        return True
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) in SKIPS


def _is_exit(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in EXITS


def _may_exit(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return error is not None and ast.unparse(error) in _SKIP_ERRORS
    return _is_exit(node) or (isinstance(node, ast.Call) and ast.unparse(node.func) in _MAY_SKIP)


@dataclass(frozen=True)
class _Facts:
    """What a statement does with names, whatever stands around it."""

    free: frozenset[str]
    bound: frozenset[str]
    moved: frozenset[str]
    is_definition: bool
    binds_anew: bool
    is_fixed: bool
    exits: bool
    is_dynamic: bool
    calls_alone: frozenset[str]
    asserts: bool
    reads_clock: bool


def _facts(statement: ast.stmt) -> _Facts:
    """Those of a statement; kept with it, since every test of a file asks for them again."""
    known: _Facts | None = getattr(statement, "facts", None)
    if known is None:
        bound = bound_names(statement)
        value = _assigned_value(statement)
        definition = isinstance(statement, _DEFINITIONS | _IMPORTS)
        known = _Facts(
            free=frozenset(free_names(statement)),
            bound=frozenset(bound),
            moved=frozenset(_global_names(statement)),
            is_definition=definition or isinstance(value, ast.Lambda),
            binds_anew=definition or (value is not None and bound.isdisjoint(used_names(value))),
            is_fixed=(value is not None and is_constant(value)) or (definition and not _remembers(statement)),
            exits=stops(statement) or any(map(_may_exit, ast.walk(statement))),
            is_dynamic=bool(used_names(statement) & (_DYNAMIC | _AMBIENT)) or _asks_around(statement),
            calls_alone=frozenset(_called_alone(statement)),
            asserts=asserts(statement),
            reads_clock=any(map(_reads_clock, ast.walk(statement))),
        )
        statement.facts = known  # type: ignore[attr-defined]
    return known


def _asks_around(statement: ast.stmt) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr in _AMBIENT for part in ast.walk(statement))


def _reads_clock(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        return called in _CLOCKS or called == "time"
    return isinstance(node, ast.Attribute) and node.attr in _CLOCKS


def _remembers(definition: ast.stmt) -> bool:
    """Whether a function has a default, or a class an attribute, that its calls may change."""
    values: list[ast.expr | None] = []
    if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        values = [*definition.args.defaults, *definition.args.kw_defaults]
    elif isinstance(definition, ast.ClassDef):
        values = [part.value for part in definition.body if isinstance(part, ast.Assign | ast.AnnAssign)]
    return not all(value is None or is_constant(value) for value in values)


def _told(statement: ast.stmt) -> str:
    """`random` of `random.seed(1)` on a line of its own, else ""."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return ""
    node: ast.expr = statement.value.func
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) and node is not statement.value.func else ""


def _assigned_value(statement: ast.stmt) -> ast.expr | None:
    """The value of an assignment to names alone, also to several at once."""
    if isinstance(statement, ast.AnnAssign):
        return statement.value if isinstance(statement.target, ast.Name) else None
    if not isinstance(statement, ast.Assign):
        return None
    names = ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context
    parts = [part for target in statement.targets for part in ast.walk(target)]
    return statement.value if all(isinstance(part, names) for part in parts) else None


def is_constant(node: ast.expr) -> bool:
    """Whether an expression is a literal that nobody can change: a number, a text, a tuple of such. So are a
    function without a memory, and a TestCase, which only asserts."""
    if ast.unparse(node) == "unittest.TestCase()":
        return True
    if isinstance(node, ast.Lambda):
        return all(map(is_constant, [*node.args.defaults, *filter(None, node.args.kw_defaults)]))
    try:
        hash(literal(node))
    except (ValueFormatError, TypeError):
        return False
    return True


def _called_alone(statement: ast.stmt) -> set[str]:
    """Functions that a statement without an assertion calls for what they do: `push(1)` on a line of its
    own."""
    if asserts(statement):
        return set()
    calls = [
        part.value
        for part in ast.walk(statement)
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call)
    ]
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


@dataclass(frozen=True)
class _Step:
    """A statement with the objects that it has to do with, and those that it makes."""

    statement: ast.stmt
    touched: frozenset[Version]
    bound: frozenset[Version]
    exits: bool


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
        # What nobody can change: constants, modules, definitions.
        self.shared: set[Version] = set()
        # Names that a function of the file binds, and its functions that may end the process.
        self.moved: set[str] = set()
        self.exiting: set[str] = set()
        # Assertions at the end of a long chain: only the last of a chain is a test of its own.
        self.chained: list[tuple[ast.stmt, ast.Module]] = []
        # Tests that change what others of the file see.
        self.changing: list[Changing] = []

    def __iter__(self) -> Iterator[ast.stmt]:
        return (step.statement for step in self.steps)

    def followed_by(self, *statements: ast.stmt) -> History:
        """Another history, which goes on from this one."""
        other = History(self.entry_point, self.bases)
        other.steps, other.versions = [*self.steps], {**self.versions}
        other.definitions, other.shared = {**self.definitions}, {*self.shared}
        other.moved, other.exiting = {*self.moved}, {*self.exiting}
        other.changing = [*self.changing]
        for statement in statements:
            other.add(statement)
        return other

    def add(self, statement: ast.stmt) -> None:
        facts = _facts(statement)
        # What a definition does it does when it is called.
        touched = set() if facts.is_definition else self.touched(statement)
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
        for name in facts.moved:
            # By a function that declares it global, whenever that is called.
            self.shared.discard((name, self.versions.setdefault(name, 0)))
            self.moved.add(name)
        if (told := _told(statement)) in self.definitions:
            self.shared.discard((told, self.versions[told]))
        self.steps.append(_Step(statement, frozenset(touched | bound), frozenset(bound), exits))

    def names(self, statement: ast.stmt) -> set[str]:
        """The names that a statement has to do with, by its own hand or by the functions of the file."""
        found: set[str] = set()
        waiting = set(_facts(statement).free | _facts(statement).bound)
        while waiting:
            found |= waiting
            helpers = [self.definitions[name] for name in waiting if name in self.definitions]
            waiting = set().union(*(_facts(one).free | _facts(one).bound for one in helpers)) - found
        return found

    def touched(self, statement: ast.stmt) -> set[Version]:
        """Those of the names that the file binds, as they stand now; and the solution where it is called
        for what it does, not for what it returns."""
        names = self.names(statement)
        touched = {(name, self.versions[name]) for name in names & self.versions.keys()}
        helpers = [self.definitions[name] for name in names & self.definitions.keys()]
        alone = set().union(*(_facts(one).calls_alone for one in (statement, *helpers)))
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
            found |= _global_names(one) & bound_names(ast.Module(body=one.body, type_ignores=[]))  # type: ignore[arg-type]
            for part in ast.walk(one):
                called = part.func if isinstance(part, ast.Call) else None
                if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
                    found |= {_root(part)} & outside
                elif isinstance(called, ast.Attribute) and called.attr not in _PURE_METHODS:
                    found |= {_root(called)} & outside - self.definitions.keys()
        return found

    def changes_nothing(self, statement: ast.stmt) -> bool:
        """Whether an assertion binds nothing and only looks at what may change."""
        if _facts(statement).bound:
            return False
        changing = {name for name, _ in self.touched(statement) - self.shared}
        if not changing:
            return True
        return isinstance(statement, ast.Assert) and self._looks_only(statement.test, changing)

    def _looks_only(self, node: ast.expr, changing: set[str]) -> bool:
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda):
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

    def slice(self, assertion: ast.stmt) -> list[ast.stmt]:
        """The statements that the assertion stands on, in order."""
        needed = self.touched(assertion) | {(_SOLUTION, 0)}
        names = self.names(assertion)
        chosen: set[int] = set()
        anything = any(_facts(step.statement).is_dynamic for step in self.steps)
        timed = _facts(assertion).reads_clock
        growing = True
        while growing:
            growing = False
            anything = anything or timed
            for number, step in enumerate(self.steps):
                if number in chosen:
                    continue
                matters = step.bound & needed or (step.touched - self.shared) & needed
                if matters or anything or step.exits or self._is_star(step, names):
                    chosen.add(number)
                    timed = timed or _facts(step.statement).reads_clock
                    needed |= step.touched
                    names |= self.names(step.statement)
                    if _facts(step.statement).is_definition:
                        needed |= self.touched(step.statement)
                    growing = True
        return [self.steps[number].statement for number in sorted(chosen)]

    def _is_star(self, step: _Step, names: set[str]) -> bool:
        """An import of everything, where some name comes from nowhere else."""
        if "*" not in _facts(step.statement).bound:
            return False
        return not names <= {*self.versions, self.entry_point, "pytest", *dir(builtins)}


def _root(node: ast.expr) -> str:
    """`a` of `a.b[c].d`, else ""."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_long_chain(kept: Sequence[ast.stmt]) -> bool:
    """Whether so many of these statements are assertions that one more is better none of its own: each of
    a thousand would hold all before it."""
    return sum(_facts(statement).asserts for statement in kept) > CHAIN_MAX
