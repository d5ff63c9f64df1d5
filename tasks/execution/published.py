"""Files as they are published -> the files of `tasks.execution.exchange`: JSON lines, JSON or Parquet, a
data set that `tasks.execution.converters` knows, or samples of a harness.

A file of this project's own form is used where it lies. Anything else is converted row by row into a
folder."""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pyarrow
import pyarrow.parquet

from tasks.core.errors import FlywheelError
from tasks.core.jsonl import Id, read_objects, row_of
from tasks.core.jsonl import Row as Line
from tasks.execution.asked_problems import problem_of
from tasks.execution.converters import CONVERTERS, converter_for
from tasks.execution.converters.base import Converted, Converter, Row, first_id
from tasks.execution.converters.samples import IDS, is_sample, solutions_of
from tasks.execution.lines import SolutionLine, SuiteLine
from tasks.settings.judging import JudgingSettings

FILES = ("problems.jsonl", "solutions.jsonl", "tests.jsonl")
BATCH_ROWS = 16
UNREAD = "unread"
_FORM = "lines of problem_id and entry_point (or style), or a data set that is known"
_BAD_ROW = (KeyError, TypeError, ValueError, AttributeError, IndexError, SyntaxError, RecursionError)


@dataclass(frozen=True)
class ExchangeFiles:
    """Three files that `tasks.execution.exchange` reads, and what data set they were made of ("" for
    none)."""

    problems: Path
    solutions: Path
    tests: Path
    made_of: str = ""


@dataclass
class Counts:
    """What a conversion came to; `unread` has a sentence for each row that could not be read."""

    problems: int = 0
    solutions: int = 0
    suites: int = 0
    unread: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{self.problems} problems, {self.solutions} solutions, {self.suites} suites"
        return (
            f"{text}; {len(self.unread)} rows cannot be read, first {self.unread[0]}" if self.unread else text
        )


def files_in(folder: Path, made_of: str = "") -> ExchangeFiles:
    """The three files of a folder, by their usual names."""
    problems, solutions, tests = (folder / name for name in FILES)
    return ExchangeFiles(problems, solutions, tests, made_of)


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("file, row n", object) of each row of a file of JSON lines, a JSON array or Parquet, plain or .gz.

    Raises `FlywheelError` naming the file, and the row where there is one.
    """
    if not path.is_file():
        kind = "is no regular file" if path.exists() else "does not exist"
        raise FlywheelError(f"{path} {kind}: name a file of JSON lines, JSON or Parquet.")
    try:
        with path.open("rb") as file:
            head = file.read(512)
        if head[:4] == b"PAR1":
            yield from _parquet(path)
        elif head[:2] == b"\x1f\x8b" or head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
            yield from _whole(path)
        else:
            yield from read_objects(path)
    except (OSError, EOFError, zlib.error, pyarrow.ArrowException) as error:
        raise FlywheelError(f"{path} cannot be read ({str(error)[:200]}): fetch it again.") from None


def _parquet(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    number = 0
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield f"{path}, row {number}", row


def _whole(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a JSON array, or of a compressed file."""
    data = path.read_bytes()
    try:
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
        rows = (
            json.loads(text)
            if text.lstrip()[:1] == "["
            else map(json.loads, filter(str.strip, text.split("\n")))
        )
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict):
                raise FlywheelError(f"{path}, row {number}: an object is expected.")
            yield f"{path}, row {number}", row
    except (ValueError, RecursionError) as error:
        raise FlywheelError(
            f"{path} is not JSON ({error}): name a file of JSON lines, JSON or Parquet."
        ) from None


def first_row(path: Path) -> tuple[str, dict[str, Any]]:
    """The first row of a file. Raises `FlywheelError` where there is none."""
    for found in read_rows(path):
        return found
    raise FlywheelError(f"{path} holds no line: one JSON object a line is expected.")


def converter_of(row: Row) -> Converter | None:
    """The converter of a problems file's first row, None for a line of this project's own form."""
    is_own = "problem_id" in row and ("entry_point" in row or "style" in row)
    return None if is_own else converter_for(row)


def exchange_files(
    problems: Path,
    solutions: Path | None,
    tests: Path | None,
    folder: Path,
    log_progress: Callable[[str], None],
    published: bool = False,
) -> ExchangeFiles:
    """The three files to work on; what has to be converted is written into `folder`.

    Without `solutions`, or `tests`, they are the data set's own. Raises `FlywheelError` for a file that is
    recognised by nothing, or where one of this project's form has nothing to go with it, or where
    `published` asks for a data set.
    """
    _, row = first_row(problems)
    converter = converter_of(row)
    # Of a line with an id the exchange's own reader says what is missing.
    if converter is None and (published or "problem_id" not in row):
        raise FlywheelError(_unknown(problems, row, "a data set that is known" if published else _FORM))
    if converter is None:
        for option, path in (("solutions", solutions), ("tests", tests)):
            if path is None:
                raise FlywheelError(
                    f"{problems} is no published data set, so --{option} FILE is needed beside it."
                )
        assert solutions is not None
        assert tests is not None
        return ExchangeFiles(problems, _solutions(solutions, {}, folder), tests)
    own = files_in(folder, converter.name)
    prompts: dict[str, str] = {}
    counts = convert(problems, converter, own, prompts)
    log_progress(f"{problems} is {converter.about}: {counts}")
    if not (counts.solutions or solutions or published):
        raise FlywheelError(f"{problems} holds no solutions of its own: give some by --solutions FILE.")
    return ExchangeFiles(
        own.problems,
        _solutions(solutions, prompts, folder) if solutions else own.solutions,
        tests or own.tests,
        converter.name,
    )


def _unknown(path: Path, row: Row, wanted: str) -> str:
    fields = ", ".join(map(str, list(row)[:20])) or "none"
    known = ", ".join(converter.name for converter in CONVERTERS)
    return (
        f"{path} is not {wanted}: its fields are {fields}. Known are {known}; write the files as "
        "docs/execute-and-agree.md has them, or rename the fields."
    )


def convert(source: Path, converter: Converter, files: ExchangeFiles, prompts: dict[str, str]) -> Counts:
    """Write a data set as the three files; `prompts` gets each problem's, by its id.

    A row that cannot be read becomes a problem whose one case says why. Raises `FlywheelError` where no row
    can be read.
    """
    counts = Counts()
    seen: set[str] = set()
    with ExitStack() as stack:
        opened = [
            stack.enter_context(path.open("w", encoding="ascii"))
            for path in (files.problems, files.solutions, files.tests)
        ]
        for number, (where, row) in enumerate(read_rows(source)):
            try:
                converted = converter.convert(row, number)
                # What cannot be written is no data of JSON.
                json.dumps([converted.problem, *converted.suites, *converted.solutions])
                _check(converted)
            except (*_BAD_ROW, FlywheelError) as error:
                name = first_id(row, number, *IDS, "name")
                why = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
                counts.unread.append(f"{where}: {why[:200]}")
                converted = _unread(name, why)
            if converted.problem["problem_id"] in seen:
                converted.problem["problem_id"] += f"#{number}"
            seen.add(converted.problem["problem_id"])
            if prompt := converted.problem.pop("prompt", ""):
                prompts[converted.problem["problem_id"]] = prompt
            _write(converted.named(), counts, *opened)
    if counts.problems == len(counts.unread):
        raise FlywheelError(
            f"{source} looks like {converter.about}, but no row of it can be read ({counts.unread[0]}): "
            "fetch it again, or write the files as docs/execute-and-agree.md has them."
        )
    return counts


def _check(converted: Converted) -> None:
    """Raises `FlywheelError` for a line that would be refused where it is read, with the whole file."""
    problem_of(converted.problem, "its problem", JudgingSettings())
    # Ids are given where lines are written.
    names = {"problem_id": "p", "suite_id": "t", "solution_id": "s"}
    for suite in converted.suites:
        row_of(SuiteLine, {**names, **suite}, "its suite")
    for solution in converted.solutions:
        row_of(SolutionLine, {**names, **solution}, "its solution")


def _unread(name: str, why: str) -> Converted:
    cases = [{"invalid": f"its row in the data set cannot be read: {why[:200]}"}]
    return Converted({"problem_id": name, "style": "stdin"}, [{"suite_id": UNREAD, "cases": cases}])


def _write(converted: Converted, counts: Counts, problems: TextIO, solutions: TextIO, tests: TextIO) -> None:
    problems.write(f"{json.dumps(converted.problem)}\n")
    names: set[str] = set()
    for solution in converted.solutions:
        while solution["solution_id"] in names:
            solution["solution_id"] += "'"
        names.add(solution["solution_id"])
        solutions.write(f"{json.dumps(solution)}\n")
    tests.writelines(f"{json.dumps(suite)}\n" for suite in converted.suites)
    counts.problems += 1
    counts.solutions += len(converted.solutions)
    counts.suites += len(converted.suites)


class _SolutionIds(Line):
    problem_id: Id
    solution_id: Id


def _solutions(path: Path, prompts: dict[str, str], folder: Path) -> Path:
    """A solutions file of this project's form: the file itself, or what was made of a harness's samples."""
    _, row = first_row(path)
    with contextlib.suppress(FlywheelError):
        row_of(_SolutionIds, row, "")
        return path
    if not is_sample(row):
        raise FlywheelError(
            _unknown(
                path, row, "a file of solutions (problem_id, solution_id, code) or of a harness's samples"
            )
        )
    made = folder / "samples.jsonl"
    counts: dict[str, int] = {}
    with made.open("w", encoding="ascii") as file:
        for where, row in read_rows(path):
            if not is_sample(row):
                raise FlywheelError(f"{where}: an id and code are expected, as in the first row.")
            file.writelines(f"{json.dumps(line)}\n" for line in solutions_of(row, prompts, counts))
    return made
