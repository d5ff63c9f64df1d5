"""What one statement of a test file does with names, whatever stands around it: which it takes, binds and
changes, whether it asserts, exits, or asks for what no syntax tells."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tasks.core.literals import literal
from tasks.core.values import ValueFormatError
from tasks.testcode.names import (
    Definition,
    Function,
    Import,
    bound_names,
    free_names,
    global_names,
    root_of,
    used_names,
)
from tasks.testcode.styles import asserts

SKIPS = {"pytest.skip", "pytest.xfail", "self.skipTest"}
_MAY_SKIP = {"pytest.importorskip"}
_SKIP_ERRORS = {"unittest.SkipTest", "SkipTest", "pytest.skip.Exception"}
EXITS = {"exit", "quit", "sys.exit", "os._exit", "os.abort", "pytest.exit", *SKIPS}
# Whoever asks for these sees what any statement before has printed, warned of, logged, written or drawn.
_AMBIENT = {
    *("capsys", "capfd", "caplog", "recwarn", "monkeypatch", "redirect_stdout", "redirect_stderr", "stdout"),
    *("stderr", "stdin", "catch_warnings", "assertLogs", "environ", "chdir", "seed", "tmp_path"),
}
# Whoever uses these may change anything by any name.
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
class StatementFacts:
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


def facts_of(statement: ast.stmt) -> StatementFacts:
    """Those of a statement; kept with it, since every test of a file asks for them again."""
    known: StatementFacts | None = getattr(statement, "facts", None)
    if known is None:
        bound = bound_names(statement)
        value = _assigned_value(statement)
        definition = isinstance(statement, Definition | Import)
        known = StatementFacts(
            free=frozenset(free_names(statement)),
            bound=frozenset(bound),
            moved=frozenset(global_names(statement)),
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
    return any(
        (isinstance(part, ast.Attribute) and part.attr in _AMBIENT) or getattr(part, "is_module", False)
        for part in ast.walk(statement)
    )


def _reads_clock(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        return called in _CLOCKS or called == "time"
    return isinstance(node, ast.Attribute) and node.attr in _CLOCKS


def _remembers(definition: ast.stmt) -> bool:
    """Whether a function has a default or a decorator, or a class an attribute, that its calls may change."""
    if isinstance(definition, Function) and definition.decorator_list:
        return True
    values: list[ast.expr | None] = []
    if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        values = [*definition.args.defaults, *definition.args.kw_defaults]
    elif isinstance(definition, ast.ClassDef):
        values = [part.value for part in definition.body if isinstance(part, ast.Assign | ast.AnnAssign)]
    return not all(value is None or is_constant(value) for value in values)


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
    return {name for call in calls if (name := root_of(call.func))}
