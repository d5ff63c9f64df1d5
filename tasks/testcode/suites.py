"""Test text -> cases, and cases -> text. Reads with `ast` alone: nothing here runs a test.

A *test* is source that stands alone: the setup that an assertion needs, then the assertion. A *case* is
a test reduced to a call with its expected value, exception or condition where that is possible (cheap to run,
and comparable between suites), and otherwise the test's own source, to be run in a process of its own.

One reading is a little looser than Python, on purpose: `is` with None, True or False means `==`.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tasks.core.fragments import is_deep, parse_foreign, parse_python
from tasks.core.literals import to_source
from tasks.core.records import CONDITION, TRUTH, Call, Case
from tasks.core.values import Opaque, ValueFormatError, decode, encode
from tasks.testcode.conditions import VALUE, condition, constant, holds, substituted
from tasks.testcode.names import Function, bound_names, mentions, used_names
from tasks.testcode.statements import is_skip, stops
from tasks.testcode.styles import asserts, is_raises
from tasks.testcode.written import Author

PROGRAM = "program"
"""What tests of a stdin program call: `program("its input") == "its output"`."""
_CACHED_CHARACTERS = 500
# What conditions know by a dotted name, by the names it has in a test that imports nothing.
_PROVIDED = {"math": "math", "pytest": "pytest", "isclose": "math.isclose"}


@dataclass(frozen=True, slots=True)
class SuiteReading:
    """A suite's cases in their order; what was dropped, exact repeats among it, as (reason, source)."""

    cases: tuple[Case, ...]
    dropped: tuple[tuple[str, str], ...]


def target_name(entry_point: str) -> str:
    """The name that tests call: the entry point, or `program` for a stdin program."""
    return entry_point or PROGRAM


def make_call(function: str, args: Iterable[object], kwargs: dict[str, object] | None = None) -> Call:
    """The canonical Call: keywords sorted, so equal calls are equal records.

    Raises `ValueFormatError` when a value is nested too deep to travel.
    """
    return Call(function, encode([list(args), dict(sorted((kwargs or {}).items()))]))


def read_cases(tests: Iterable[str], entry_point: str, *, benchmark: bool = False) -> SuiteReading:
    """The cases of a suite's tests (`tasks.testcode.split.split_tests`, or a benchmark's assertions).

    `benchmark`: what a test uses may come from the solution, and it may ask for no more than that nothing
    is raised.
    """
    cases: dict[tuple[object, ...], Case] = {}
    dropped: list[tuple[str, str]] = []
    for test in tests:
        case = read_case(test, entry_point, benchmark=benchmark)
        if isinstance(case, str):
            dropped.append((case, test))
        elif case_key(case) in cases:
            dropped.append(("repeat", test))
        else:
            cases[case_key(case)] = case
    return SuiteReading(tuple(cases.values()), tuple(dropped))


def case_key(case: Case) -> tuple[object, ...]:
    """What makes two cases one: everything but the text they were parsed from."""
    return case.call, case.expected, case.raises, case.check, case.rule


def read_case(test: str, entry_point: str, *, benchmark: bool = False) -> Case | str:
    """The case of one test, or the reason there is none.

    Reasons: `syntax` (does not parse), `too_deep` (more levels than `MAX_DEPTH`), `no_assertion` (does not
    end in one), `other_target` (never uses the entry point; of a benchmark's: asserts nothing either),
    `undefined_name` (uses a name that nothing defines: it could only ever fail), `redefines_target` (brings
    its own function under test), `exits_early` (returns, exits or skips before it asserts anything),
    `skipped` (returns or skips there), `no_fixture` (wants an argument that nothing in its file gives),
    `identity` (asks for the very object of a literal), and of a benchmark's tests that do not name the entry
    point `true` and `false` (what they say without it).
    """
    # Suites of one problem repeat each other; what is long is not held.
    read = _read_known if len(test) <= _CACHED_CHARACTERS else _read_case
    return read(test, entry_point, benchmark)


def _read_case(test: str, entry_point: str, benchmark: bool) -> Case | str:
    tree = parse_python(test)
    if tree is None or not tree.body:
        return "syntax"
    try:
        return "too_deep" if is_deep(tree) else _case(tree, test, entry_point, benchmark)
    except RecursionError:
        return "too_deep"


_read_known = lru_cache(maxsize=8192)(_read_case)


def _case(tree: ast.Module, test: str, entry_point: str, benchmark: bool) -> Case | str:
    if not mentions(tree, target_name(entry_point)) and not benchmark:
        return "other_target"
    # A benchmark's tests may use what its solution defines beside the entry point.
    if not benchmark and _undefined(tree, target_name(entry_point)):
        return "undefined_name"
    if any(target_name(entry_point) in bound_names(statement) for statement in tree.body):
        return "redefines_target"
    if (last_step := next(filter(stops, tree.body), None)) is not None:
        return "skipped" if is_skip(last_step) else "exits_early"
    if isinstance(tree.body[-1], Function):
        return "no_fixture"
    if any(map(_asks_identity, ast.walk(tree))):
        return "identity"
    last = _inlined(tree.body, test)
    if benchmark and not mentions(tree, target_name(entry_point)):
        return _own(last, test) if asserts(tree) else "other_target"
    found: Case | None = None
    if isinstance(last, ast.Assert):
        asked = _resolved(last.test, tree.body[:-1], entry_point)
        if asked is not None:
            found = _equality(asked, entry_point, test) or _conditional(asked, entry_point, test)
    elif isinstance(last, ast.With) and (wanted := raises_type(last)) is not None:
        own = set().union(*map(bound_names, tree.body[:-1])) if len(tree.body) > 1 else set()
        if used_names(wanted).isdisjoint(own):
            found = _raises(last, wanted, entry_point, test)
    if found is not None:
        return found
    # A benchmark's test may ask for no more than that nothing is raised.
    if not asserts(tree) and not (benchmark and last is not None):
        return "no_assertion"
    # Two checks that differ in their style are one; a benchmark's run as they are.
    return Case(source=test, check=test if benchmark else _in_one_style(test))


def _asks_identity(node: ast.AST) -> bool:
    """Whether something is asked to be the very object of a literal, as `f(3) is "Fizz"`: that says how equal
    values were made which nobody can change."""
    if not isinstance(node, ast.Compare):
        return False
    terms = [node.left, *node.comparators]
    return any(
        isinstance(sign, ast.Is | ast.IsNot) and any(map(_is_value, terms[number : number + 2]))
        for number, sign in enumerate(node.ops)
    )


def _is_value(node: ast.expr) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.Constant) and (value is None or isinstance(value, bool) or value is Ellipsis):
        return False
    small = isinstance(value, int) and 0 <= value < 257
    return isinstance(node, ast.Constant | ast.Tuple) and not small


def _in_one_style(test: str) -> str:
    try:
        return ast.unparse(parse_foreign(test))
    except ValueError:
        # An integer of more digits than Python writes.
        return test


def _own(last: ast.stmt | None, test: str) -> Case | str:
    """An assertion that does not name the entry point: it tests another function of the solution, or the file
    itself. What it says is told here where that is plain."""
    if isinstance(last, ast.Assert):
        try:
            return "true" if constant(last.test) else "false"
        except ValueFormatError:
            pass
    return Case(source=test, check=test)


def _undefined(tree: ast.Module, target: str) -> bool:
    """Whether a name is read that is no builtin, is bound nowhere in the test and is not the target."""
    bound = {target, "pytest", "math"}.union(*map(bound_names, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Global):
            bound.update(node.names)
        elif isinstance(node, ast.ExceptHandler):
            bound.add(node.name or "")
        elif isinstance(node, ast.stmt):
            bound |= bound_names(node)
    star = any(isinstance(node, ast.alias) and node.name == "*" for node in ast.walk(tree))
    return not star and any(name not in bound and not hasattr(builtins, name) for name in used_names(tree))


def case_source(case: Case, entry_point: str) -> str:
    """Python source of a case; reading it again gives an equal case (`case_key`)."""
    if case.call is None:
        return case.check
    args, kwargs = decode(case.call.arguments)
    shown = [to_source(arg) for arg in args] + [f"{name}={to_source(kwargs[name])}" for name in kwargs]
    call = f"{target_name(entry_point)}({', '.join(shown)})"
    if case.raises:
        return f"with pytest.raises({case.raises}):\n    {call}"
    if case.rule == TRUTH:
        return f"assert {call}" if decode(case.expected) else f"assert not {call}"
    if case.rule == CONDITION:
        return f"assert {substituted(decode(case.expected), call)}"
    return f"assert {call} == {to_source(decode(case.expected))}"


def case_as_written(case: Case, entry_point: str) -> str:
    """Source of a case in the words of the test that it was read from, what was set up put in its place;
    reading it again gives an equal case (`case_key`). Where those words give another one, `case_source`."""
    tree = parse_python(case.source)
    try:
        last = _inlined(tree.body, case.source) if tree is not None and tree.body else None
        text = Author(case.source).text_of(last) if case.call and last is not None else case.source
        again = read_case(text, entry_point)
        if isinstance(again, Case) and case_key(again) == case_key(case):
            return text
    except (RecursionError, ValueError):
        # Too deep, or an int with more digits than may be written.
        pass
    return case_source(case, entry_point)


def raises_type(node: ast.With) -> ast.expr | None:
    """The exception of a `with pytest.raises(E):` that asks for nothing else, None for any other `with`."""
    if len(node.items) != 1 or not is_raises(node):
        return None
    call = node.items[0].context_expr
    return call.args[0] if isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords else None


def _equality(test: ast.expr, entry_point: str, source: str) -> Case | None:
    if (call := _literal_call(test, entry_point)) is not None:
        return Case(source=source, call=call, expected=encode(True), rule=TRUTH)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        call = _literal_call(test.operand, entry_point)
        return Case(source=source, call=call, expected=encode(False), rule=TRUTH) if call else None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, right = test.left, test.comparators[0]
    if (call := _literal_call(left, entry_point)) is not None:
        other = right
    elif (call := _literal_call(right, entry_point)) is not None:
        other = left
    else:
        return None
    singleton = isinstance(other, ast.Constant) and (other.value is None or isinstance(other.value, bool))
    if not (isinstance(test.ops[0], ast.Eq) or (isinstance(test.ops[0], ast.Is) and singleton)):
        return None
    try:
        return Case(source=source, call=call, expected=encode(_constant(other, entry_point)))
    except ValueFormatError:
        return None


def _resolved(test: ast.expr, setup: Sequence[ast.stmt], entry_point: str) -> ast.expr | None:
    """An assertion's expression with imported functions under their dotted names, or None where a name in it
    is the file's own."""
    names, own = {k: v for k, v in _PROVIDED.items() if k != target_name(entry_point)}, set[str]()
    for statement in setup:
        if isinstance(statement, ast.Assign):
            continue
        bound = bound_names(statement)
        own |= bound
        names = {name: dotted for name, dotted in names.items() if name not in bound}
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module = ""
            if isinstance(statement, ast.ImportFrom):
                module = f"{'.' * statement.level}{statement.module}."
            known = {a.asname or a.name: f"{module}{a.name}" for a in statement.names}
            names |= {
                name: dotted for name, dotted in known.items() if dotted.split(".")[0] in ("math", "pytest")
            }
    if used_names(test) & own - names.keys() or "*" in own:
        return None
    resolved: ast.expr = _Substitute({n: ast.parse(d, mode="eval").body for n, d in names.items()}).visit(
        test
    )
    return resolved


def _conditional(test: ast.expr, entry_point: str, source: str) -> Case | None:
    """The case of a condition over the value of one plain call, if it tests anything."""
    called = [
        part for part in ast.walk(test) if isinstance(part, ast.Call) and _literal_call(part, entry_point)
    ]
    names = [part.id for part in ast.walk(test) if isinstance(part, ast.Name)]
    if len(called) != 1 or names.count(target_name(entry_point)) != 1 or VALUE in names:
        return None
    call = _literal_call(called[0], entry_point)
    text = condition(_Value(called[0]).visit(test))
    # What any object passes is a test that tests nothing, and is found by the null candidate.
    if text is None or holds(text, Opaque("object")):
        return None
    return Case(source=source, call=call, expected=encode(text), rule=CONDITION)


class _Value(ast.NodeTransformer):
    def __init__(self, call: ast.Call) -> None:
        self.call = call

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if node is self.call:
            return ast.Name(id=VALUE, ctx=ast.Load())
        self.generic_visit(node)
        return node


def _raises(node: ast.With, wanted: ast.expr, entry_point: str, source: str) -> Case | None:
    # Only Python's own are known by their names: of others there may be two, and some derive from others.
    name = wanted.id if isinstance(wanted, ast.Name) and hasattr(builtins, wanted.id) else ""
    if name and len(node.body) == 1 and isinstance(step := node.body[0], ast.Expr | ast.Assign):
        call = _literal_call(step.value, entry_point)
        if call is not None:
            return Case(source=source, call=call, raises=name)
    return None


def _literal_call(node: ast.expr, entry_point: str) -> Call | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    if node.func.id != target_name(entry_point):
        return None
    kwargs: dict[str, object] = {}
    try:
        args = [_constant(arg, entry_point) for arg in node.args]
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in kwargs:
                return None
            kwargs[keyword.arg] = _constant(keyword.value, entry_point)
        return make_call(entry_point, args, kwargs)
    except ValueFormatError:
        return None


def _constant(node: ast.expr, entry_point: str) -> object:
    """What the file says itself. Raises `ValueFormatError`; an entry point may be named like a builtin."""
    if target_name(entry_point) in used_names(node):
        raise ValueFormatError("asks the entry point")
    return constant(node)


class _Substitute(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]) -> None:
        self.values = values
        self.uses: dict[str, int] = {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.values or not isinstance(node.ctx, ast.Load):
            return node
        self.uses[node.id] = self.uses.get(node.id, 0) + 1
        return self.values[node.id]


def _inlined(body: list[ast.stmt], test: str) -> ast.stmt | None:
    """The last statement of a test with `name = expression` setup put in its place; None where the setup does
    more.

    A name used twice stays as it is unless its value is immutable: the entry point may change a list
    between the two uses, and may answer differently the second time.
    """
    values: dict[str, ast.expr] = {}
    substitute = _Substitute(values)
    for statement in body[:-1]:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Pass):
            continue
        if (
            not isinstance(statement, ast.Assign)
            or len(statement.targets) != 1
            or not isinstance(target := statement.targets[0], ast.Name)
            or target.id in values
        ):
            return None
        values[target.id] = substitute.visit(statement.value)
    if not values:
        return body[-1]
    # A copy: the test itself may have to run as it is.
    last: ast.stmt = substitute.visit(parse_foreign(test).body[-1])
    if any(uses > 1 and not isinstance(values[name], ast.Constant) for name, uses in substitute.uses.items()):
        return None
    unused = [value for name, value in values.items() if name not in substitute.uses]
    if any(isinstance(part, ast.Call) for value in unused for part in ast.walk(value)):
        # It is called for what it does.
        return None
    return last
