"""What `flywheel execute` and `flywheel agree` read, and what the first writes: JSON lines of problems,
solutions and suites, and of verdicts.

The three files have one JSON object a line; names that are not listed here are ignored, blank lines too.

    problems   {"problem_id", "statement"?, "entry_point"}  or  {"problem_id", "style": "stdin"}, and
               how its outputs are judged: "compare"?, "tolerance"?, "any_order"?, "checker"?, "prelude"?,
               "starter_code"?
    solutions  {"problem_id", "solution_id", "code"}
    suites     {"problem_id", "suite_id", "code"}, Python test text, or
               {"problem_id", "suite_id", "cases"}, {"args", "kwargs", "expected"} or {"stdin", "stdout"} each

What is wrong with a line is a `FlywheelError` with file and line. A *case* that cannot be read is no error:
it is judged invalid, with the reason.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO, TypeVar

from tasks.core.errors import FlywheelError
from tasks.core.jsonl import object_of, placed_objects, read_objects, row_of
from tasks.core.records import Solution
from tasks.execution.asked import AskedSuite, suite_of
from tasks.execution.asked_problems import AskedProblem, problem_of
from tasks.execution.lines import SolutionLine, SuiteLine
from tasks.settings.judging import JudgingSettings

Content = TypeVar("Content")


_AS_IT_IS = JudgingSettings()


def read_problems(path: Path, settings: JudgingSettings = _AS_IT_IS) -> dict[str, AskedProblem]:
    """The problems by id. Raises `FlywheelError` naming file and line."""
    problems: dict[str, AskedProblem] = {}
    for where, row in read_objects(path):
        problem = problem_of(row, where, settings)
        if problem.problem_id in problems:
            raise FlywheelError(f"{where}: problem_id {problem.problem_id!r} was used before.")
        problems[problem.problem_id] = problem
    return _not_empty(problems, path)


class RowsByProblem:
    """The rows of a solutions or suites file, a problem at a time: held are their places in the file alone.

    Everything but test text is looked at here. Raises `FlywheelError` naming file and line.
    """

    def __init__(
        self,
        path: Path,
        id_name: Literal["solution_id", "suite_id"],
        problems: Mapping[str, AskedProblem],
    ) -> None:
        self._path, self._problems = path, problems
        self._places: dict[str, array[int]] = {}
        names: dict[str, array[int]] = {}
        kind: type[SolutionLine] | type[SuiteLine] = SuiteLine if id_name == "suite_id" else SolutionLine
        for where, row, place in placed_objects(path):
            line = row_of(kind, row, where)
            problem_id = _problem_of(line, where, problems).problem_id
            name = line.suite_id if isinstance(line, SuiteLine) else line.solution_id
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
        lines = (row_of(SolutionLine, row, where) for where, row in self._rows(problem_id))
        return [Solution(line.solution_id, problem_id, line.code) for line in lines]

    def suites(self, problem_id: str, benchmark: bool) -> list[AskedSuite]:
        """A problem's suites, in the order of the file."""
        problem = self._problems[problem_id]
        return [
            suite_of(row_of(SuiteLine, row, where), problem, benchmark)
            for where, row in self._rows(problem_id)
        ]

    def _rows(self, problem_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        with self._path.open("rb") as file:
            for place in self._places.get(problem_id, ()):
                file.seek(place)
                where = f"{self._path}, byte {place} (did it change?)"
                yield where, object_of(file.readline(), where)


def read_suites(path: Path, problems: Mapping[str, AskedProblem]) -> dict[str, list[AskedSuite]]:
    """The suites of each problem, in the order of the file. Raises `FlywheelError` naming file and line."""
    suites: dict[str, list[AskedSuite]] = {}
    seen: set[tuple[str, str]] = set()
    for where, row in read_objects(path):
        line = row_of(SuiteLine, row, where)
        problem = _problem_of(line, where, problems)
        if (problem.problem_id, line.suite_id) in seen:
            raise FlywheelError(f"{where}: suite_id {line.suite_id!r} was used before for this problem.")
        seen.add((problem.problem_id, line.suite_id))
        suites.setdefault(problem.problem_id, []).append(suite_of(line, problem))
    return _not_empty(suites, path)


def read_solutions(path: Path, problems: Mapping[str, AskedProblem]) -> Iterator[Solution]:
    """The solutions, one at a time. Raises `FlywheelError` naming file and line."""
    for where, row in read_objects(path):
        line = row_of(SolutionLine, row, where)
        yield Solution(line.solution_id, _problem_of(line, where, problems).problem_id, line.code)


def count_solutions(path: Path, problems: Mapping[str, AskedProblem]) -> int:
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


def _not_empty(content: Content, path: Path) -> Content:
    if not content:
        raise FlywheelError(f"{path} holds no line: one JSON object a line is expected.")
    return content


def _problem_of(
    line: SolutionLine | SuiteLine, where: str, problems: Mapping[str, AskedProblem]
) -> AskedProblem:
    if line.problem_id not in problems:
        raise FlywheelError(f"{where}: problem_id {line.problem_id!r} is in no line of the problems file.")
    return problems[line.problem_id]
