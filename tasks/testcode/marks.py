"""Which tests of a file are run: `skip`, `skipif`, `xfail` and unittest's likes, as pytest reads them. By
syntax alone; a condition that syntax does not decide stays in the test, as an `if` around it.
"""

from __future__ import annotations

import ast
import copy
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tasks.core.fragments import parse_python
from tasks.core.literals import literal
from tasks.core.values import ValueFormatError

Fate = Literal["run", "skipped", "free", "must fail"]
"""What becomes of a test: it is run; it is not; it may pass or fail; it passes by failing."""

_MARKS = ("skip", "skipif", "skipIf", "skipUnless", "xfail", "expectedFailure")
# The sandbox: Linux, and some Python from 3.11 on. What is true of the first and the last is true.
_PYTHONS: tuple[tuple[Any, ...], ...] = ((3, 11, 0, "final", 0), (3, 99, 0, "final", 0))
_FACTS: dict[str, Any] = {
    "sys.platform": "linux",
    "os.name": "posix",
    "platform.system()": "Linux",
    "platform.python_implementation()": "CPython",
    "sys.implementation.name": "cpython",
    "os.sep": "/",
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


class _UnknownError(Exception):
    """The value depends on more than the machine."""


@dataclass(frozen=True)
class Marks:
    """What the marks of a test say of it: its fate, and conditions under which it is skipped, to be asked
    where it runs."""

    fate: Fate
    skipped_if: tuple[ast.expr, ...] = ()
    fails_by: ast.expr | None = None
    """The exceptions by which alone a test may fail ("free"), or has to ("must fail"); None for any."""
    fails_if: ast.expr | None = None
    """The condition, to be asked where it runs, without which the test is one that is run."""

    @property
    def is_asked(self) -> bool:
        """Whether anything hangs on how the test ends."""
        return self.fate in ("run", "must fail") or (self.fate == "free" and self.fails_by is not None)

    @property
    def is_plain(self) -> bool:
        """Whether the test is run as if it had no marks, or not at all."""
        return not self.skipped_if and (self.fate == "run" or not self.is_asked)


def marks_of(decorators: Iterable[ast.expr]) -> Marks:
    """The marks among the decorators of a test, those of the classes around it included."""
    skipped = False
    open_conditions: list[ast.expr] = []
    failing: Marks | None = None
    for decorator in decorators:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = ast.unparse(call.func if call else decorator).rpartition(".")[2]
        if name not in _MARKS:
            continue
        conditions = _conditions(name, call)
        told = [_truth(one) for one in conditions]
        unknown = [one for one, value in zip(conditions, told, strict=True) if value is None]
        if any(told):
            unknown = []
        elif conditions and not unknown:
            continue
        if name in ("skip", "skipif", "skipIf", "skipUnless"):
            skipped = skipped or not unknown
            open_conditions += unknown
        elif failing is None:
            # The first that holds counts.
            failing = _failing(name, call, unknown)
            if failing.fails_if is not None and not failing.is_asked:
                # What may fail under a condition is not asked under it.
                open_conditions += unknown
                failing = None
    if skipped:
        return Marks("skipped")
    if failing is None:
        return Marks("run", tuple(open_conditions))
    return Marks(failing.fate, tuple(open_conditions), failing.fails_by, failing.fails_if)


def _failing(name: str, call: ast.Call | None, unknown: Sequence[ast.expr]) -> Marks:
    """What an `xfail` says, under conditions of which one has to hold."""
    raises = [word.value for word in call.keywords if word.arg == "raises"] if call else []
    strict = name == "expectedFailure" or _says(call, "strict", True)
    if _says(call, "run", False):
        strict, raises = False, []
    condition = ast.BoolOp(op=ast.Or(), values=[*unknown]) if len(unknown) > 1 else None
    return Marks(
        "must fail" if strict else "free",
        fails_by=raises[0] if raises else None,
        fails_if=condition or (unknown[0] if unknown else None),
    )


def marks_of_row(row: ast.expr) -> list[ast.expr]:
    """The marks of `pytest.param(.., marks=pytest.mark.skip)`; any other row has none."""
    given = row.keywords if isinstance(row, ast.Call) else []
    return [mark for keyword in given if keyword.arg == "marks" for mark in _listed(keyword.value)]


def module_marks(body: Sequence[ast.stmt]) -> list[ast.expr]:
    """The marks that `pytestmark = ..` gives to every test of a file or class."""
    found: list[ast.expr] = []
    for statement in body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark":
            found = _listed(statement.value)
    return found


def _listed(marks: ast.expr) -> list[ast.expr]:
    """One mark, or several in a list."""
    return [*marks.elts] if isinstance(marks, ast.List | ast.Tuple) else [marks]


def _conditions(name: str, call: ast.Call | None) -> list[ast.expr]:
    """What a mark asks before it holds. Nothing: it holds."""
    if call is None or name in ("skip", "expectedFailure"):
        return []
    conditions = [*call.args[:1]] if name in ("skipIf", "skipUnless") else [*call.args]
    conditions += [word.value for word in call.keywords if word.arg == "condition"]
    if name == "skipUnless":
        return [ast.UnaryOp(op=ast.Not(), operand=one) for one in conditions]
    return [_parsed(one) for one in conditions]


def _parsed(condition: ast.expr) -> ast.expr:
    """pytest takes a condition as text, too."""
    if isinstance(condition, ast.Constant) and isinstance(condition.value, str):
        tree = parse_python(condition.value.strip())
        if tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
            return tree.body[0].value
    return condition


def _says(call: ast.Call | None, option: str, wanted: bool) -> bool:
    values = [word.value for word in call.keywords if word.arg == option] if call else []
    return any(isinstance(value, ast.Constant) and bool(value.value) is wanted for value in values)


def _truth(condition: ast.expr) -> bool | None:
    """Whether a condition holds in the sandbox, None where that is not known here."""
    try:
        told = {bool(_value(condition, python)) for python in _PYTHONS}
    except (_UnknownError, TypeError, ValueError, IndexError, RecursionError):
        return None
    return told.pop() if len(told) == 1 else None


def _value(node: ast.expr, python: tuple[Any, ...]) -> Any:
    name = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Call | ast.Name) else ""
    match node:
        case _ if name in _FACTS:
            return _FACTS[name]
        case ast.Attribute() if name == "sys.version_info":
            return python
        case ast.Attribute(value=owner, attr=("major" | "minor" | "micro") as part):
            if ast.unparse(owner) == "sys.version_info":
                return python[("major", "minor", "micro").index(part)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, python)
        case ast.BoolOp(op=joint, values=operands):
            result: Any = None
            for operand in operands:
                result = _value(operand, python)
                if bool(result) is isinstance(joint, ast.Or):
                    break
            return result
        case ast.Compare(left=first, ops=signs, comparators=others):
            left = _value(first, python)
            for sign, other in zip(signs, others, strict=True):
                right = _value(other, python)
                if not _COMPARE[type(sign)](left, right):
                    return False
                left = right
            return True
        case ast.Subscript(value=inner, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            bounds = [None if part is None else _value(part, python) for part in (lower, upper, step)]
            return _value(inner, python)[slice(*bounds)]
        case ast.Subscript(value=inner, slice=index):
            return _value(inner, python)[_value(index, python)]
        case ast.Call(func=ast.Attribute(value=owner, attr="startswith"), args=[start], keywords=[]):
            text = _value(owner, python)
            if isinstance(text, str):
                return text.startswith(_value(start, python))
    try:
        return literal(node)
    except ValueFormatError:
        raise _UnknownError from None


def marked_body(body: list[ast.stmt], marks: Marks) -> list[ast.stmt]:
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


def skip_steps(marks: Marks) -> list[ast.stmt]:
    """What is asked before anything else of a test that is skipped under conditions."""
    steps: list[ast.stmt] = []
    for condition in marks.skipped_if:
        skip = ast.parse(f"pytest.skip({ast.unparse(condition)[:100]!r})").body
        steps.append(ast.If(test=condition, body=skip, orelse=[]))
    return steps
