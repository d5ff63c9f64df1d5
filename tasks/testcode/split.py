"""A test file, taken apart: every assertion as source that stands alone.

What models write as tests is bare asserts, pytest functions, unittest classes, loops over tables of
cases, and mixtures. `split_tests` turns each of them into statements `setup; assertion`, by syntax
alone: nothing is run, nothing is resolved.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from tasks.core.fragments import is_deep, parse_python, read_fragments
from tasks.testcode import classes, doctests, fixtures, styles, tables
from tasks.testcode import marks as testmarks
from tasks.testcode.dialects import as_plain
from tasks.testcode.names import mentions
from tasks.testcode.slices import History, bound_names, free_names, is_long_chain, used_names
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


# In the order in which they are called; a class's own methods are functions of that name in its setup.
_TEARDOWNS = (
    *("self_tearDown", "self_teardown_method", "self_tearDownClass", "self_teardown_class"),
    *("teardown_function", "tearDownModule", "teardown_module"),
)


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
                if isinstance(statement, ast.FunctionDef):
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
    if not setup.changes_nothing(assertion):
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
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    setup: History,
    entry_point: str,
    turns: int,
    outer: Sequence[ast.expr] = (),
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
    if isinstance(node, ast.FunctionDef):
        fixtures.without_request(node)
    decorators += fixtures.tables_of_fixtures(node, [*setup], decorators)
    plain_body = node.body
    rows, body = tables.parametrized(
        decorators, _marked(plain_body, testmarks.marks_of(decorators)), [*setup]
    )
    for row in rows:
        marks = testmarks.marks_of([*decorators, *row.marks])
        if not marks.is_asked:
            continue
        own = _marked(tables.parametrized(decorators, plain_body, [*setup])[1], marks) if row.marks else body
        known = set().union(*map(bound_names, row.steps)) if row.steps else set()
        given = fixtures.given_to(node, known, [*setup], decorators)
        before = setup.followed_by(*_skips(marks), *row.steps, *given.steps)
        whole = _closed(own, given.ends, before)
        loops = {name for part in body if isinstance(part, ast.For) for name in bound_names(part)}
        unread = {name for step in before if fixtures.is_fixture(step) for name in bound_names(step)}
        missing = given.missing - (before.versions.keys() - unread) - loops
        if isinstance(node, ast.AsyncFunctionDef) or missing:
            # To be told why it is no test.
            named = {arg.arg for function in (*given.asking, node) for arg in function.args.args}
            node.args.args += [ast.arg(arg=name) for name in sorted(missing - named)]
            yield ast.Module(body=[*given.asking, node], type_ignores=[])
        elif _is_function(node, whole, before):
            yield _called(node, whole, before, loops)
        elif given.asserts:
            first = setup.followed_by(*_skips(marks), *row.steps)
            yield from _walk([*given.steps, *whole], first, entry_point, turns * len(rows))
        elif any(_is_assertion(part, before) for part in whole):
            yield from _walk(whole, before, entry_point, turns * len(rows))
        elif any(mentions(part, entry_point) for part in whole):
            # What it asks is that nothing is raised.
            *earlier, last = whole
            yield ast.Module(body=[*before.followed_by(*earlier).slice(last), last], type_ignores=[])


def _of_class(
    node: ast.ClassDef, setup: History, entry_point: str, turns: int, decorators: list[ast.expr]
) -> Iterator[ast.Module]:
    if not classes.has_tests(node, setup.bases):
        setup.add(node)
        return
    decorators += testmarks.module_marks(node.body)
    inner_classes = [part for part in node.body if isinstance(part, ast.ClassDef)]
    parts, tests = classes.class_parts(node, setup.bases)
    for test in tests if classes.is_collected(node, setup.bases) else ():
        yield from _of_definition(test, setup.followed_by(*parts), entry_point, turns, decorators)
    for inner in inner_classes:
        if classes.has_tests(inner, {}):
            before = setup.followed_by(*classes.fixtures_in(parts))
            yield from _of_definition(inner, before, entry_point, turns, decorators)


def _marked(body: list[ast.stmt], marks: testmarks.Marks) -> list[ast.stmt]:
    """The body of a test as its marks want it where it is expected to fail."""
    changed = body
    if marks.fate == "must fail":
        wanted = marks.fails_by or ast.Name(id="Exception", ctx=ast.Load())
        raises = ast.parse("pytest.raises", mode="eval").body
        manager = ast.Call(func=raises, args=[wanted], keywords=[])
        changed = [ast.With(items=[ast.withitem(context_expr=manager)], body=body)]
    elif marks.fails_by is not None:
        expected = ast.ExceptHandler(type=marks.fails_by, name=None, body=[ast.Pass()])
        changed = [ast.Try(body=body, handlers=[expected], orelse=[], finalbody=[])]
    if marks.fails_if is not None:
        return [ast.If(test=marks.fails_if, body=changed, orelse=copy.deepcopy(body))]
    return changed


def _skips(marks: testmarks.Marks) -> list[ast.stmt]:
    """What is asked before anything else of a test that is skipped under conditions."""
    steps: list[ast.stmt] = []
    for condition in marks.skipped_if:
        skip = ast.parse(f"pytest.skip({ast.unparse(condition)[:100]!r})").body
        steps.append(ast.If(test=condition, body=skip, orelse=[]))
    return steps


def _returns(node: ast.AST) -> bool:
    """Whether a statement returns from the function in which it stands."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        return False
    return isinstance(node, ast.Return) or any(map(_returns, ast.iter_child_nodes(node)))


def _is_function(node: ast.FunctionDef, body: list[ast.stmt], before: History) -> bool:
    """Whether a test means something else as statements of the file: it returns early, has a name of its own
    that functions of the file read as another, or a decorator of the file's."""
    if any(_returns(part) for part in body if not isinstance(part, ast.Return)):
        return True
    imports = ast.Import | ast.ImportFrom
    own = {name for part in body if not isinstance(part, imports) for name in bound_names(part)}
    helpers = {id(one): one for one in before.definitions.values() if not fixtures.is_fixture(one)}
    return bool(_own_decorators(node, before)) or any(own & free_names(one) for one in helpers.values())


def _own_decorators(node: ast.FunctionDef, before: History) -> list[ast.expr]:
    functions = {name for name, one in before.definitions.items() if isinstance(one, ast.FunctionDef)}
    return [one for one in node.decorator_list if used_names(one) & functions]


def _called(
    node: ast.FunctionDef, body: list[ast.stmt], before: History, loops: Collection[str]
) -> ast.Module:
    """A test as the function that it is."""
    names = [arg.arg for arg in node.args.args if arg.arg != "self" and arg.arg not in loops]
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(arg=name) for name in names], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    function = ast.FunctionDef(
        name=node.name, args=arguments, body=[*body], decorator_list=_own_decorators(node, before)
    )
    classes.declare(function)
    call = ast.parse(f"{node.name}({', '.join(names)})").body[0]
    return ast.Module(body=[*before.followed_by(function).slice(call), call], type_ignores=[])


def _closed(body: list[ast.stmt], ends: Sequence[str], setup: History) -> list[ast.stmt]:
    """The body of a test, and behind it what is asserted after a test: by the fixtures behind their `yield`
    and by their finalizers (`ends`, the last first), by the methods and functions that tear down."""
    body = _cleaned(body)
    ends = [*reversed(ends)]
    functions = {step.name: step for step in setup if isinstance(step, ast.FunctionDef)}
    for name in _TEARDOWNS:
        if name in functions and _is_assertion(functions[name], setup):
            ends.append(f"{name}({', '.join(['None'] * len(functions[name].args.args))})")
    for end in ends:
        body = [ast.Try(body=body, handlers=[], orelse=[], finalbody=ast.parse(end).body)]
    return body


def _cleaned(body: list[ast.stmt]) -> list[ast.stmt]:
    """The body of a test whose `self.addCleanup(function, ..)` calls the function after what follows."""
    for number, step in enumerate(body):
        call = step.value if isinstance(step, ast.Expr) else None
        if isinstance(call, ast.Call) and call.args and ast.unparse(call.func) == "self.addCleanup":
            later = ast.Expr(value=ast.Call(func=call.args[0], args=call.args[1:], keywords=call.keywords))
            rest = _cleaned(body[number + 1 :]) or [ast.Pass()]
            return [*body[:number], ast.Try(body=rest, handlers=[], orelse=[], finalbody=[later])]
    return body


def _is_assertion(statement: ast.stmt, setup: History) -> bool:
    """Whether a statement asserts something, by itself or by a helper of the file that it mentions."""
    functions = {step.name: step for step in setup if isinstance(step, ast.FunctionDef)}
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
