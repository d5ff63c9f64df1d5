"""A test file, taken apart: every assertion as source that stands alone.

What models write as tests is bare asserts, pytest functions, unittest classes, loops over tables of
cases, and mixtures. `split_tests` turns each of them into statements `setup; assertion`, by syntax
alone: nothing is run, nothing is resolved.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import islice

from tasks.core.fragments import is_deep, parse_python, read_fragments
from tasks.testcode import doctests, fixtures, styles
from tasks.testcode import marks as testmarks
from tasks.testcode.slices import History, bound_names, is_long_chain, used_names
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


def mentions(node: ast.AST, name: str) -> bool:
    """Whether the name is used anywhere below the node."""
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


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
        plain = styles.plain(ast.Module(body=shallow, type_ignores=[]), entry_point)
        marks = testmarks.module_marks(plain.body)
        for part in plain.body if marks else ():
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _is_test(part):
                part.decorator_list = [*marks, *part.decorator_list]
        body = [*plain.body, *_calls_of_check(plain.body, entry_point)]
        tests = [*islice(_walk(body, History(entry_point), entry_point), MAX_TESTS)]
        if not tests:
            shown = doctests.docstring_examples(plain)
            tests = [*islice(_walk(shown, History(entry_point), entry_point), MAX_TESTS)]
        return [*("\n".join(map(author.text_of, test.body)) for test in tests), *refused]
    except (RecursionError, ValueError):
        # Too deep, or an int with more digits than may be written.
        return refused


def _calls_of_check(body: Sequence[ast.stmt], entry_point: str) -> list[ast.stmt]:
    """The call of `def check(candidate):` that HumanEval's tests leave to whoever runs them."""
    calls = []
    for part in body:
        if (
            isinstance(part, ast.FunctionDef)
            and part.name == "check"
            and len(part.args.args) == 1
            and styles.asserts(part)
            and not any(mentions(other, "check") for other in body)
        ):
            calls = ast.parse(f"check({entry_point})").body
    return calls


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
            steps := _unrolled(statement, setup, body[number + 1 :], fixtures.MAX_ROWS // turns)
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
    return isinstance(node, ast.ClassDef) or node.name.startswith("test")


def _of_definition(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    setup: History,
    entry_point: str,
    turns: int,
    outer: Sequence[ast.expr] = (),
) -> Iterator[ast.Module]:
    """The tests of a test function, or of a class with test methods or test classes; any other class is
    setup. `outer`: the decorators of the classes around it, and the marks of the file."""
    decorators = [*outer, *node.decorator_list]
    if isinstance(node, ast.ClassDef):
        decorators += testmarks.module_marks(node.body)
        parts = styles.class_parts(node, [*setup])
        inner_classes = [part for part in node.body if isinstance(part, ast.ClassDef)]
        coroutines = [part for part in node.body if isinstance(part, ast.AsyncFunctionDef) and _is_test(part)]
        if parts is None and not inner_classes and not coroutines:
            setup.add(node)
        else:
            for method in parts[1] if parts else ():
                inner = setup.followed_by(*parts[0]) if parts else setup
                yield from _of_definition(method, inner, entry_point, turns, decorators)
            for coroutine in coroutines:
                yield from _of_definition(coroutine, setup, entry_point, turns, decorators)
            for part in inner_classes:
                yield from _of_definition(part, setup.followed_by(), entry_point, turns, decorators)
    elif (marks := testmarks.marks_of(decorators)).fate in ("run", "must fail") or marks.fails_by:
        rows, body = fixtures.parametrized(decorators, _marked(node.body, marks), [*setup])
        for row in rows:
            known = set().union(*map(bound_names, row)) if row else set()
            bound = fixtures.arguments(node, known, [*setup], decorators)
            given = setup.followed_by(*row, *bound)
            whole = _closed(body, bound, given)
            asked = {arg.arg for arg in node.args.args}
            loops = [bound_names(part) for part in body if isinstance(part, ast.For)]
            filled = (given.versions.keys() - fixtures.unknown_fixtures(given)).union(*loops)
            if isinstance(node, ast.AsyncFunctionDef) or not asked <= filled:
                # To be told why it is no test.
                yield ast.Module(body=[node], type_ignores=[])
            elif any(_is_assertion(part, given) for part in whole):
                yield from _walk(whole, given, entry_point, turns * len(rows))
            elif any(mentions(part, entry_point) for part in whole):
                # What it asks is that nothing is raised.
                *earlier, last = whole
                yield ast.Module(body=[*given.followed_by(*earlier).slice(last), last], type_ignores=[])


def _marked(body: list[ast.stmt], marks: testmarks.Marks) -> list[ast.stmt]:
    """The body of a test as its marks want it: behind the conditions under which it is skipped, or expected
    to fail."""
    if marks.fate == "must fail":
        wanted = marks.fails_by or ast.Name(id="Exception", ctx=ast.Load())
        raises = ast.parse("pytest.raises", mode="eval").body
        manager = ast.Call(func=raises, args=[wanted], keywords=[])
        body = [ast.With(items=[ast.withitem(context_expr=manager)], body=body)]
    elif marks.fails_by is not None:
        expected = ast.ExceptHandler(type=marks.fails_by, name=None, body=[ast.Pass()])
        body = [ast.Try(body=body, handlers=[expected], orelse=[], finalbody=[])]
    for condition in marks.skipped_if:
        body = [ast.If(test=ast.UnaryOp(op=ast.Not(), operand=condition), body=body, orelse=[])]
    return body


def _closed(body: list[ast.stmt], bound: Sequence[ast.stmt], setup: History) -> list[ast.stmt]:
    """The body of a test, and behind it what is asserted after a test: by the fixtures behind their `yield`,
    by the methods and functions that tear down."""
    body = _cleaned(body)
    names = [name for step in bound for name in sorted(bound_names(step)) if name.startswith(fixtures.OPEN)]
    ends = [f"next({name}, None)" for name in reversed(names)]
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
    if styles.asserts(statement):
        return True
    functions = {step.name: step for step in setup if isinstance(step, ast.FunctionDef)}
    waiting, seen = used_names(statement) & functions.keys(), set[str]()
    while waiting:
        if any(styles.asserts(functions[name]) for name in waiting):
            return True
        seen |= waiting
        waiting = set().union(*(used_names(functions[name]) for name in waiting)) & functions.keys() - seen
    return False


def _unrolled(
    loop: ast.For, setup: History, rest: Sequence[ast.stmt], most: int
) -> list[list[ast.stmt]] | None:
    """Assignments for each turn of `for a, b in [(..), ..]:`, or None where it is no such loop of at most
    `most` turns, or where one turn has to do with another or with what comes after."""
    rows = fixtures.table(loop.iter, [*setup])
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
        return [fixtures.assigned([loop.target.id], row, whole=True) for row in rows]
    if isinstance(loop.target, ast.Tuple) and all(isinstance(part, ast.Name) for part in loop.target.elts):
        target = [part.id for part in loop.target.elts if isinstance(part, ast.Name)]
        return [fixtures.assigned(target, row, whole=False) for row in rows]
    return None
