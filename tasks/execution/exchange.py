"""What `flywheel execute` and `flywheel agree` read, and what the first writes: JSON lines of problems,
solutions and suites, and of verdicts.

The three files have one JSON object a line; names that are not listed here are ignored, blank lines too.

    problems   {"problem_id", "statement"?, "entry_point"}  or  {"problem_id", "style": "stdin"}
    solutions  {"problem_id", "solution_id", "code"}
    suites     {"problem_id", "suite_id", "code"}, Python test text, or
               {"problem_id", "suite_id", "cases"}, {"args", "kwargs", "expected"} or {"stdin", "stdout"} each

What is wrong with a line is a `FlywheelError` with file and line. A *case* that cannot be read is no error:
it is judged invalid, with the reason.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TextIO, TypeVar

from tasks.core import values
from tasks.core.errors import FlywheelError
from tasks.core.fragments import parse_python
from tasks.core.jsonl import code_of, id_of, object_of, placed_objects, read_objects
from tasks.core.records import Behaviour, Call, Case, Outcome, Problem, Solution, Suite
from tasks.execution.verdicts import Equality
from tasks.generation.answers import bare_tests
from tasks.generation.prompts import Refusal
from tasks.testcode.doctests import examples
from tasks.testcode.split import patched, split_tests
from tasks.testcode.suites import PROGRAM, make_call, read_case, target_name

Content = TypeVar("Content")
_REASONS = {
    "syntax": "does not parse",
    "too_deep": "is nested deeper than tests are read",
    "no_assertion": "asserts nothing",
    "other_target": "never uses {target}",
    "undefined_name": "uses a name that nothing defines",
    "redefines_target": "brings its own {target}: it does not test the solution",
    "exits_early": "returns, exits or skips before it asserts anything",
    "unseen": "asks for a warning or a line of a log, which stay in the solution's process",
    "skipped": "returns, or is skipped, before it asserts anything",
    "true": "holds whatever {target} is: it tests nothing",
    "false": "fails whatever {target} is",
    "asynchronous": "is asynchronous: a coroutine cannot leave the solution's process",
}
# What these say of a test forbids nobody to pass its suite.
_IDLE = ("skipped", "true")
# pytest's own, which the sandbox has none of.
_PYTEST_FIXTURES = {
    *(
        "cache",
        "capfd",
        "capfdbinary",
        "caplog",
        "capsys",
        "capsysbinary",
        "doctest_namespace",
        "monkeypatch",
    ),
    *("pytestconfig", "record_property", "recwarn", "request", "testdir", "pytester", "tmp_path"),
    *("tmp_path_factory", "tmpdir", "tmpdir_factory"),
}


class Idle(str):
    """Why a test tests nothing, where it holds all the same."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AskedSuite:
    """A suite as it was asked for: `entries` in their order, a case or the reason why there is none."""

    suite: Suite
    entries: tuple[Case | str, ...]
    equality: Equality


def read_problems(path: Path) -> dict[str, Problem]:
    """The problems by id. Raises `FlywheelError` naming file and line."""
    problems: dict[str, Problem] = {}
    for where, row in read_objects(path):
        problem = _problem(row, where)
        if problem.problem_id in problems:
            raise FlywheelError(f"{where}: problem_id {problem.problem_id!r} was used before.")
        problems[problem.problem_id] = problem
    return _not_empty(problems, path)


class RowsByProblem:
    """The rows of a solutions or suites file, a problem at a time: held are their places in the file alone.

    Everything but test text is looked at here. Raises `FlywheelError` naming file and line.
    """

    def __init__(self, path: Path, id_name: str, problems: Mapping[str, Problem]) -> None:
        self._path, self._problems = path, problems
        self._places: dict[str, array[int]] = {}
        names: dict[str, array[int]] = {}
        for where, row, place in placed_objects(path):
            problem_id = _problem_of(row, where, problems).problem_id
            name = id_of(row, id_name, where)
            if id_name == "suite_id":
                _check_suite(row, where)
            else:
                code_of(row, where)
            self._places.setdefault(problem_id, array("q")).append(place)
            names.setdefault(problem_id, array("q")).append(hash(name))
        for problem_id, hashes in _not_empty(names, path).items():
            if len(set(hashes)) < len(hashes):
                raise FlywheelError(f"{path}: a {id_name} is used more than once for problem {problem_id!r}.")

    def __len__(self) -> int:
        return sum(map(len, self._places.values()))

    def count(self, problem_id: str) -> int:
        return len(self._places.get(problem_id, ()))

    def solutions(self, problem_id: str) -> list[Solution]:
        """A problem's solutions, in the order of the file."""
        return [
            Solution(id_of(row, "solution_id", where), problem_id, code_of(row, where))
            for where, row in self._rows(problem_id)
        ]

    def suites(self, problem_id: str, benchmark: bool) -> list[AskedSuite]:
        """A problem's suites, in the order of the file."""
        problem = self._problems[problem_id]
        return [
            _suite(row, where, problem, id_of(row, "suite_id", where), benchmark)
            for where, row in self._rows(problem_id)
        ]

    def _rows(self, problem_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        with self._path.open("rb") as file:
            for place in self._places.get(problem_id, ()):
                file.seek(place)
                where = f"{self._path}, byte {place} (did it change?)"
                yield where, object_of(file.readline(), where)


def read_suites(path: Path, problems: Mapping[str, Problem]) -> dict[str, list[AskedSuite]]:
    """The suites of each problem, in the order of the file. Raises `FlywheelError` naming file and line."""
    suites: dict[str, list[AskedSuite]] = {}
    seen: set[tuple[str, str]] = set()
    for where, row in read_objects(path):
        problem = _problem_of(row, where, problems)
        suite_id = id_of(row, "suite_id", where)
        if (problem.problem_id, suite_id) in seen:
            raise FlywheelError(f"{where}: suite_id {suite_id!r} was used before for this problem.")
        seen.add((problem.problem_id, suite_id))
        suites.setdefault(problem.problem_id, []).append(_suite(row, where, problem, suite_id))
    return _not_empty(suites, path)


def read_solutions(path: Path, problems: Mapping[str, Problem]) -> Iterator[Solution]:
    """The solutions, one at a time. Raises `FlywheelError` naming file and line."""
    for where, row in read_objects(path):
        problem = _problem_of(row, where, problems)
        code = code_of(row, where)
        yield Solution(id_of(row, "solution_id", where), problem.problem_id, code)


def count_solutions(path: Path, problems: Mapping[str, Problem]) -> int:
    """How many solutions the file holds, once every line has been looked at. Raises `FlywheelError`.

    The ids that were seen lie in a temporary database on disk, so memory does not grow with the file.
    """
    count = 0
    with contextlib.closing(sqlite3.connect("")) as seen:
        seen.execute(
            "CREATE TABLE ids (problem TEXT, solution TEXT, PRIMARY KEY (problem, solution)) WITHOUT ROWID"
        )
        for solution in read_solutions(path, problems):
            key = (json.dumps(solution.problem_id), json.dumps(solution.solution_id))
            if not seen.execute("INSERT OR IGNORE INTO ids VALUES (?, ?)", key).rowcount:
                raise FlywheelError(
                    f"{path}: solution_id {solution.solution_id!r} is used more than once "
                    f"for problem {solution.problem_id!r}."
                )
            count += 1
    return _not_empty(count, path)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file that appears under its name when the block has ended well, and not before.

    Raises `FlywheelError` when it cannot be written; what stood there before stays in that case.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("w", encoding="ascii") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        # Not of the file system: errors of HTTP are OSErrors too, without a number.
        if error.errno is None:
            raise
        raise FlywheelError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def check_out(out: Path, inputs: Sequence[Path]) -> None:
    """Raises `FlywheelError` when the output cannot be written there, before anything is read."""
    if out.exists() and not out.is_file():
        raise FlywheelError(f"--out {out} is no regular file: name a new file.")
    if out.resolve() in [path.resolve() for path in inputs]:
        raise FlywheelError(f"--out {out} is one of the input files: name a new file.")
    if not out.resolve().parent.is_dir():
        raise FlywheelError(f"--out {out}: there is no folder {out.resolve().parent}, make it first.")


def compared_form(
    behaviours: Sequence[Behaviour], asked: Sequence[AskedSuite]
) -> tuple[list[Behaviour], list[Suite]]:
    """One problem's behaviours and suites, with values rewritten so that `==` means what the suites' own
    comparison rules mean: stdout without the whitespace that does not count, tuples as lists.
    """
    rules = {suite.equality for suite in asked}
    form = _stripped if same_output in rules else _listed if json_equal in rules else None
    suites = [suite.suite for suite in asked]
    if form is None:
        return list(behaviours), suites

    @cache
    def text(encoded: str) -> str:
        try:
            return values.encode(form(values.decode(encoded)))
        except values.ValueFormatError:
            return encoded

    def outcome(row: Outcome) -> Outcome:
        return replace(row, value=text(row.value)) if row.kind == "value" else row

    def case(row: Case) -> Case:
        return replace(row, expected=text(row.expected)) if row.expected else row

    return (
        [replace(row, calls=tuple(map(outcome, row.calls))) for row in behaviours],
        [replace(suite, cases=tuple(map(case, suite.cases))) for suite in suites],
    )


def _stripped(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def same_output(left: Any, right: Any) -> bool:
    """The stdout rule: equal texts but for whitespace at the end of lines and of the whole."""
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    return bool(_stripped(left) == _stripped(right))


def json_equal(left: Any, right: Any) -> bool:
    """Python's `==` over plain data, a tuple counting as the list that JSON makes of it, and the key 1 of a
    dictionary as "1"."""
    return values.equal(_listed(left), _listed(right))


def _listed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        texts = {_json_key(key): _listed(item) for key, item in value.items()}
        # JSON has no two keys of one text.
        return texts if len(texts) == len(value) else {key: _listed(item) for key, item in value.items()}
    return value


def _json_key(key: Any) -> Any:
    """A key as JSON has it, which knows texts alone."""
    return json.dumps(key) if key is None or type(key) in (int, float, bool) else key


def _not_empty(content: Content, path: Path) -> Content:
    if not content:
        raise FlywheelError(f"{path} holds no line: one JSON object a line is expected.")
    return content


def _problem(row: Mapping[str, Any], where: str) -> Problem:
    problem_id = id_of(row, "problem_id", where)
    statement, style = row.get("statement", ""), row.get("style", "function")
    if not isinstance(statement, str):
        raise FlywheelError(f"{where}: 'statement' must be text.")
    if style not in ("function", "stdin"):
        raise FlywheelError(f"{where}: 'style' is 'function' or 'stdin', not {style!r}.")
    if style == "stdin":
        return Problem(problem_id, statement, "", "", "execute")
    entry_point = row.get("entry_point")
    if not isinstance(entry_point, str) or not entry_point.isidentifier():
        raise FlywheelError(
            f"{where}: 'entry_point' is missing or no function's name; a program that reads stdin has "
            'no entry point but "style": "stdin".'
        )
    return Problem(problem_id, statement, entry_point, "", "execute")


def _problem_of(row: Mapping[str, Any], where: str, problems: Mapping[str, Problem]) -> Problem:
    problem_id = id_of(row, "problem_id", where)
    if problem_id not in problems:
        raise FlywheelError(f"{where}: problem_id {problem_id!r} is in no line of the problems file.")
    return problems[problem_id]


def _check_suite(row: Mapping[str, Any], where: str) -> None:
    if ("code" in row) == ("cases" in row):
        raise FlywheelError(f"{where}: a suite has either 'code' or 'cases'.")
    if "code" in row:
        code_of(row, where)
    elif not isinstance(row["cases"], list):
        raise FlywheelError(f"{where}: 'cases' must be a list.")


def _suite(
    row: Mapping[str, Any], where: str, problem: Problem, suite_id: str, benchmark: bool = True
) -> AskedSuite:
    _check_suite(row, where)
    equality = values.equal if problem.entry_point else same_output
    if "code" in row:
        entries = read_text(code_of(row, where), problem.entry_point, benchmark)
    else:
        entries = [_case(case, problem) for case in row["cases"]] or ["the suite has no case"]
        equality = json_equal if problem.entry_point else same_output
    cases = tuple(entry for entry in entries if isinstance(entry, Case))
    return AskedSuite(Suite(suite_id, problem.problem_id, cases), tuple(entries), equality)


def read_text(text: str, entry_point: str, benchmark: bool = True) -> list[Case | str]:
    """A case, or why there is none, for each test of a test file, in order; what does not parse comes last.

    `benchmark`: see `tasks.testcode.suites.read_cases`; else the text may be a model's raw answer.
    """
    if benchmark:
        shown = examples(text) if parse_python(text) is None else []
        tree, skipped = (ast.Module(body=shown, type_ignores=[]), []) if shown else patched(text)
    else:
        found = bare_tests(text, entry_point)
        if isinstance(found, Refusal):
            return ["all of it is a thought"]
        tree, skipped = found
    entries = [
        _asserted(test, entry_point, benchmark) for test in split_tests(tree, target_name(entry_point))
    ]
    entries += [f"does not parse: {source[:100]!r}" for source in skipped]
    return entries or ["the suite asserts nothing"]


def _asserted(test: str, entry_point: str, benchmark: bool) -> Case | str:
    case = read_case(test, entry_point, benchmark=benchmark)
    if case == "no_fixture":
        return _wanted_fixtures(test)
    if case == "other_target" and not entry_point:
        return f'never calls {PROGRAM}("its input"), as a test of a stdin program does'
    if isinstance(case, str):
        reason = _REASONS.get(case, case).format(target=target_name(entry_point))
        return Idle(reason) if case in _IDLE else reason
    if not entry_point and case.call is None:
        return f'of a stdin program only {PROGRAM}("input") == "output" can be tested'
    return case


def _wanted_fixtures(test: str) -> str:
    """Why a test function cannot run: arguments of its that nothing here gives."""
    tree = parse_python(test)
    functions = [part for part in tree.body if isinstance(part, ast.FunctionDef)] if tree else []
    names = [arg.arg for function in functions for arg in function.args.args if arg.arg != "self"]
    own = [name for name in names if name in _PYTEST_FIXTURES]
    if own:
        return f"asks for pytest's own fixture {', '.join(own)}, which the sandbox does not have"
    unknown = "does not define, or defines with options that are not known here (params)"
    return f"asks for a fixture that the file {unknown}, among: {', '.join(names)}"


def _case(row: Any, problem: Problem) -> Case | str:
    if not isinstance(row, dict):
        return "a case is a JSON object"
    try:
        return _called(row, problem.entry_point) if problem.entry_point else _piped(row)
    except values.ValueFormatError as error:
        return str(error)


def _called(row: Mapping[str, Any], entry_point: str) -> Case | str:
    args, kwargs = row.get("args", []), row.get("kwargs", {})
    if "args" not in row and "kwargs" not in row:
        return "a case of a function has 'args' or 'kwargs'"
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return "'args' is a list and 'kwargs' an object"
    if "expected" not in row:
        return "'expected' is missing"
    return Case("", make_call(entry_point, args, kwargs), expected=values.encode(row["expected"]))


def _piped(row: Mapping[str, Any]) -> Case | str:
    stdin, stdout = row.get("stdin"), row.get("stdout")
    if not isinstance(stdin, str) or not isinstance(stdout, str):
        return "a case of a stdin program has 'stdin' and 'stdout', both text"
    return Case("", Call("", values.encode([[stdin], {}])), expected=values.encode(stdout))
