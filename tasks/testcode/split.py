"""A test file, taken apart: every assertion as source that stands alone.

What models write as tests is bare asserts, pytest functions, unittest classes, loops over tables of
cases, and mixtures. `split_tests` turns each of them into statements `setup; assertion`, by syntax
alone: nothing is run, nothing is resolved.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from itertools import islice

from tasks.core.fragments import is_deep, parse_python, read_fragments
from tasks.testcode import classes, doctests, fixtures, styles, tables, whole
from tasks.testcode import marks as testmarks
from tasks.testcode.dialects import as_plain
from tasks.testcode.names import Function, bound_names, free_names, mentions, used_names
from tasks.testcode.patches import mocks_given
from tasks.testcode.proven import is_quiet, is_straight, own_names
from tasks.testcode.slices import History, is_long_chain
from tasks.testcode.standing import TestClass, note_changes, own_decorators, whole_test
from tasks.testcode.written import Author

_MODULES = {"bisect", "cmath", "collections", "datetime", "decimal", "fractions", "functools", "heapq"} | {
    *("itertools", "json", "math", "operator", "random", "re", "statistics", "string")
}

# A loop over a table makes many of few lines.
MAX_TESTS = 1000


def patched(text: str) -> tuple[ast.Module, list[str]]:
    """What is left of a text without the lines that do not parse, and those lines.

    Lines that were left out one after another are one text.
    """
    found = read_fragments(text)
    # Read again as one text, which the tree then knows.
    module = parse_python("\n".join(part.text for part in found.parts))
    return module or ast.Module(body=[], type_ignores=[]), list(found.skipped)


_TEARDOWNS = ("teardown_function", "tearDownModule", "teardown_module")


def split_tests(module: ast.Module, entry_point: str) -> list[str]:
    """The first `MAX_TESTS` of a file, each as the source of its setup and its assertion, in the words of the
    file as far as it has any (`tasks.testcode.written`); uses the tree up.

    Imports of the entry point are left out: where it comes from is not the suite's business. What makes a
    test worthless stays in it to be seen (`tasks.testcode.suites.read_case`): its own definition of the entry
    point, an exit before the assertion.
    """
    author = Author(getattr(module, "source", ""))
    deep = [statement for statement in module.body if is_deep(statement)]
    # To be told why they are no tests.
    refused = [author.segment(one) for one in deep if any(isinstance(p, ast.Assert) for p in ast.walk(one))]
    try:
        shallow = [statement for statement in module.body if statement not in deep]
        plain = as_plain(ast.Module(body=shallow, type_ignores=[]), entry_point)
        marks = testmarks.module_marks(plain.body)
        for part in plain.body if marks else ():
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _is_test(part):
                part.decorator_list = [*marks, *part.decorator_list]
        body = _as_collected(plain.body)
        before = History(entry_point, classes.bases_of(plain))
        tests = [*islice(_walk(body, before, entry_point), MAX_TESTS)]
        if not tests:
            shown = doctests.docstring_examples(plain)
            tests = [*islice(_walk(shown, History(entry_point), entry_point), MAX_TESTS)]
        return [*("\n".join(map(author.text_of, test.body)) for test in tests), *refused]
    except (RecursionError, ValueError):
        # Too deep, or an int with more digits than may be written.
        return refused


def _as_collected(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """A file as pytest meets it: run to its end before the first of its tests is, so that these see what
    stands behind them; and of two tests of one name the first is not there any more."""
    tests = {
        part.name: part
        for part in body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _is_collected(part)
    }
    others = [part for part in body if not _is_collected(part)]
    functions = {name for name, part in tests.items() if not isinstance(part, ast.ClassDef)}
    return [*_without_runners(others, functions), *(part for part in body if part in tests.values())]


def _without_runners(body: Sequence[ast.stmt], tests: set[str]) -> list[ast.stmt]:
    """A file without what calls its own test functions, as `test_f()` at its end or a loop over `[test_f]`,
    and asserts nothing itself: they are run as tests, and are not there before."""
    kept, runners = [], set(tests)
    for part in body:
        if used_names(part) & runners and not any(isinstance(inner, ast.Assert) for inner in ast.walk(part)):
            runners |= bound_names(part)
        else:
            kept.append(part)
    return kept


def _is_collected(part: ast.stmt) -> bool:
    if not isinstance(part, ast.ClassDef):
        return isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and _is_test(part)
    named = part.name.startswith("Test") or any(ast.unparse(base).endswith("TestCase") for base in part.bases)
    return named or any(_is_collected(inner) for inner in part.body)


def _walk(
    body: Sequence[ast.stmt], before: History, entry_point: str, turns: int = 1
) -> Iterator[ast.Module]:
    """The tests of a body, whose setup goes on from `before`. `turns`: how often this body is taken already,
    by the loops and tables around it. A loop that would make more than `MAX_ROWS` of that is one test."""
    setup = before.followed_by()
    for number, statement in enumerate(body):
        if isinstance(statement, ast.Assert):
            parts: list[ast.stmt] = [ast.Assert(test=statement.test, msg=None)]
            if isinstance(statement.test, ast.BoolOp) and isinstance(statement.test.op, ast.And):
                parts = [ast.Assert(test=part, msg=None) for part in statement.test.values]
            elif statement.msg is None:
                parts = [statement]
            for part in parts:
                yield from _asserted(part, setup)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if _is_test(statement):
                yield from _of_definition(statement, setup, entry_point, turns)
            else:
                if isinstance(statement, Function):
                    fixtures.mark_fixture(statement)
                setup.add(statement)
        elif isinstance(statement, ast.For) and (
            steps := _unrolled(statement, setup, body[number + 1 :], tables.MAX_ROWS // turns)
        ):
            for rows in steps:
                inner = setup.followed_by(*rows)
                yield from _walk(statement.body, inner, entry_point, turns * len(steps))
        elif isinstance(statement, ast.If) and mentions(statement.test, "__name__"):
            yield from _walk(statement.body, setup, entry_point, turns)
        elif isinstance(statement, ast.Import | ast.ImportFrom | ast.Try) and _imports(
            statement, entry_point
        ):
            for step in _renamed(statement, entry_point):
                setup.add(step)
        elif _is_assertion(statement, setup):
            yield from _asserted(statement, setup)
        else:
            setup.add(statement)
    yield from (test for _, test in setup.chained)


def _asserted(assertion: ast.stmt, setup: History) -> Iterator[ast.Module]:
    """The test of an assertion, which is setup of later ones if it may change what they stand on. Of a long
    chain of such the last alone is a test, told of at the end of the body."""
    kept = setup.slice(assertion)
    known = set().union(*map(bound_names, kept)) if kept else set()
    used = used_names(assertion).union(*map(used_names, kept))
    imports = [ast.Import(names=[ast.alias(name)]) for name in sorted(used & _MODULES - known)]
    test = ast.Module(body=[*imports, *kept, assertion], type_ignores=[])
    if is_long_chain(kept):
        setup.chained = [one for one in setup.chained if one[0] not in kept] + [(assertion, test)]
    else:
        yield test
    if setup.changes_nothing(assertion):
        setup.add_unseen(assertion)
    else:
        setup.add(assertion)


def _imports(statement: ast.Import | ast.ImportFrom | ast.Try, entry_point: str) -> bool:
    """Whether all that a statement does is to say where the entry point comes from."""
    if isinstance(statement, ast.Try):
        parts = [*statement.body, *(step for handler in statement.handlers for step in handler.body)]
        imports = [part for part in parts if isinstance(part, ast.Import | ast.ImportFrom)]
        return len(imports) == len(parts) and any(_imports(part, entry_point) for part in imports)
    names = {alias.asname or alias.name for alias in statement.names}
    if isinstance(statement, ast.ImportFrom) and names == {"*"}:
        return styles.is_foreign(statement.module or "")
    return entry_point in names or entry_point in {alias.name for alias in statement.names}


def _renamed(statement: ast.stmt, entry_point: str) -> list[ast.stmt]:
    """`from solution import f as g` as `g = f`; nothing of an import under its own name."""
    if not isinstance(statement, ast.ImportFrom):
        return []
    other = [alias.asname for alias in statement.names if alias.name == entry_point and alias.asname]
    return [ast.parse(f"{name} = {entry_point}").body[0] for name in other if name != entry_point]


def _is_test(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    if isinstance(node, ast.ClassDef):
        return True
    # One that stands in a test is that test's helper.
    return node.name.startswith("test") and not getattr(node, "is_inner", False)


def _of_definition(
    node: Function | ast.ClassDef,
    setup: History,
    entry_point: str,
    turns: int,
    outer: Sequence[ast.expr] = (),
    inside: TestClass | None = None,
) -> Iterator[ast.Module]:
    """The tests of a test function, or of a class with test methods or test classes; any other class is
    setup. `outer`: the decorators of the classes around it, and the marks of the file."""
    decorators = tables.resolved([*outer, *node.decorator_list], [*setup])
    if not isinstance(node, ast.ClassDef):
        for step in node.body:
            step.is_inner = True  # type: ignore[attr-defined]
    if isinstance(node, ast.ClassDef):
        yield from _of_class(node, setup, entry_point, turns, decorators)
        return
    fixtures.without_request(node)
    decorators += fixtures.tables_of_fixtures(node, [*setup], decorators)
    plain_body = node.body
    rows, body = tables.parametrized(
        decorators, testmarks.marked_body(plain_body, testmarks.marks_of(decorators)), [*setup]
    )
    given_rows = tables.parametrized(decorators, [], [*setup], whole.GIVEN)[0]
    of_tables = tables.parametrized(decorators, [], [*setup])[1]
    own_first = int(inside is not None)
    mocks = {arg.arg for arg in node.args.args[own_first : own_first + mocks_given(decorators)]}
    for number, row in enumerate(rows):
        marks = testmarks.marks_of([*decorators, *row.marks])
        if not marks.is_asked:
            continue
        own = (
            testmarks.marked_body(tables.parametrized(decorators, plain_body, [*setup])[1], marks)
            if row.marks
            else body
        )
        known = set().union(*map(bound_names, row.steps)) if row.steps else set()
        known |= mocks
        given = fixtures.given_to(node, known, [*setup], decorators)
        before = setup.followed_by(*testmarks.skip_steps(marks), *row.steps, *given.steps)
        loops = {name for part in of_tables for name in bound_names(part)}
        unread = {name for step in before if fixtures.is_fixture(step) for name in bound_names(step)}
        missing = given.missing - (before.versions.keys() - unread) - loops
        if missing:
            # To be told why it is no test.
            named = {arg.arg for function in (*given.asking, node) for arg in function.args.args}
            node.args.args += [ast.arg(arg=name) for name in sorted(missing - named)]
            yield ast.Module(body=[*given.asking, node], type_ignores=[])
        elif not _is_proven(node, own, given, before, bool(loops), inside):
            yield whole_test(node, setup, decorators, given_rows[number], inside)
        elif given.asserts:
            first = setup.followed_by(*testmarks.skip_steps(marks), *row.steps)
            yield from _walk([*given.steps, *own], first, entry_point, turns * len(rows))
        elif any(_is_assertion(part, before) for part in own):
            yield from _covered(own, before, entry_point, turns * len(rows))
        elif any(mentions(part, entry_point) for part in own):
            # What it asks is that nothing is raised.
            *earlier, last = own
            yield ast.Module(body=[*before.followed_by(*earlier).slice(last), last], type_ignores=[])
    note_changes(node, setup, decorators, given_rows, inside)


def _covered(body: list[ast.stmt], before: History, entry_point: str, turns: int) -> Iterator[ast.Module]:
    """The tests of a body, and for each of its calls of the entry point on which none of them stands one that
    asks for no more than that nothing is raised."""
    used: set[int] = set()
    for test in _walk(body, before, entry_point, turns):
        used |= _statements(test)
        yield test
    for number, statement in enumerate(body):
        if isinstance(statement, ast.Assert) or is_quiet(statement) or not mentions(statement, entry_point):
            continue
        if used.isdisjoint(_statements(statement)):
            earlier = before.followed_by(*body[:number])
            yield ast.Module(body=[*earlier.slice(statement), statement], type_ignores=[])


def _statements(node: ast.AST) -> set[int]:
    return {id(part) for part in ast.walk(node) if isinstance(part, ast.stmt)}


def _is_proven(
    node: Function,
    body: Sequence[ast.stmt],
    given: fixtures.Given,
    before: History,
    loops: bool,
    inside: TestClass | None,
) -> bool:
    """Whether a test means the same as statements of its file, which may be taken apart."""
    arguments = {arg.arg for arg in node.args.args}
    attributes = {name for name in own_names(node.body) if name.startswith("self_")}
    if (
        isinstance(node, ast.AsyncFunctionDef)
        or given.goes_on
        or own_decorators(node, before)
        or not is_straight(node.body, arguments | attributes)
    ):
        return False
    if inside is not None and not inside.is_plain:
        return False
    if loops and (given.steps or inside is not None):
        # Each row has its own.
        return False
    functions = {step.name: step for step in before if isinstance(step, Function)}
    if any(not all(map(is_quiet, functions[name].body)) for name in _TEARDOWNS if name in functions):
        return False
    parts = [one for part in body for one in ast.walk(part)]
    if any(isinstance(one, ast.Attribute) and one.attr == "addCleanup" for one in parts):
        return False
    own = arguments | own_names([part for part in body if not isinstance(part, ast.Import | ast.ImportFrom)])
    own = {name for name in own if name != "self" and not name.startswith("self_")}
    if own & {name for part in body for one in before.reached(part) for name in _read_outside(one)}:
        return False
    touched = {name for part in body for name in before.names(part)}
    if inside is not None:
        touched |= {f"self_{name}" for name in classes.attributes_of(inside.node, node.name)}
    earlier = [one.names for one in before.changing]
    earlier += [names for names, _, _ in inside.changing] if inside is not None else []
    return not any(names & touched for names in earlier)


def _read_outside(definition: ast.stmt) -> set[str]:
    value = definition.value if isinstance(definition, ast.Assign) else None
    if isinstance(value, ast.Lambda):
        return used_names(value) - {arg.arg for arg in ast.walk(value.args) if isinstance(arg, ast.arg)}
    imports = ast.Import | ast.ImportFrom
    return set() if isinstance(definition, imports) else free_names(definition)


def _of_class(
    node: ast.ClassDef, setup: History, entry_point: str, turns: int, decorators: list[ast.expr]
) -> Iterator[ast.Module]:
    if not classes.has_tests(node, setup.bases):
        setup.add(node)
        return
    if not classes.is_collected(node, setup.bases):
        setup.add(node)
        return
    decorators += testmarks.module_marks(node.body)
    inner_classes = [part for part in node.body if isinstance(part, ast.ClassDef)]
    original = copy.deepcopy(node)
    inside = TestClass(
        original, setup, classes.is_plain(original, setup.bases), classes.shared_in(original, setup.bases)
    )
    parts, tests = classes.class_parts(node, setup.bases)
    for test in tests:
        yield from _of_definition(test, setup.followed_by(*parts), entry_point, turns, decorators, inside)
    for inner in inner_classes:
        if classes.has_tests(inner, {}):
            before = setup.followed_by(*classes.fixtures_in(parts))
            yield from _of_definition(inner, before, entry_point, turns, decorators)


def _is_assertion(statement: ast.stmt, setup: History) -> bool:
    """Whether a statement asserts something, by itself or by a helper of the file that it mentions."""
    functions = setup.functions
    return fixtures.asserts_in_calls(statement, functions)


def _unrolled(
    loop: ast.For, setup: History, rest: Sequence[ast.stmt], most: int
) -> list[list[ast.stmt]] | None:
    """Assignments for each turn of `for a, b in [(..), ..]:`, or None where it is no such loop of at most
    `most` turns, or where one turn has to do with another or with what comes after."""
    rows = tables.table(loop.iter, [*setup])
    if rows is None or len(rows) > most or loop.orelse:
        return None
    if any(isinstance(part, ast.Break | ast.Continue) for part in ast.walk(loop)):
        return None
    targets = used_names(loop.target)
    made = set().union(*map(bound_names, loop.body)) - targets
    used_later = set().union(*map(used_names, rest)) if rest else set()
    if made & used_later or made & setup.versions.keys() or setup.is_changed_by(loop.body):
        return None
    if isinstance(loop.target, ast.Name):
        return [tables.assigned([loop.target.id], row, whole=True) for row in rows]
    if isinstance(loop.target, ast.Tuple) and all(isinstance(part, ast.Name) for part in loop.target.elts):
        target = [part.id for part in loop.target.elts if isinstance(part, ast.Name)]
        return [tables.assigned(target, row, whole=False) for row in rows]
    return None
