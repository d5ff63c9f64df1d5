"""LiveCodeBench (Jain et al. 2024, arXiv 2403.07974): dated contest problems, all test, no gold solutions.

Functions (LeetCode) and stdin programs (AtCoder, Codeforces). Rows as code_generation_lite publishes them.
Where private tests are missing the benchmark is called "livecodebench-public" in every figure: passing the
public tests alone says much less.

Rules are those of its own checker: a function's value is compared with `==` after a tuple has become a list;
stdout line by line without outer blanks, where lines that differ may still be equal as decimal numbers.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from tasks.benchmarks.base import Benchmark
from tasks.benchmarks.files import data_file, needed_file, read_rows
from tasks.benchmarks.pickled import unpacked_text
from tasks.core import values
from tasks.core.errors import FlywheelError
from tasks.core.fragments import parse_foreign
from tasks.core.records import Case, Problem
from tasks.testcode.suites import make_call

HUB = "livecodebench/code_generation_lite"
LATEST = 6
_OWN = ("livecodebench.jsonl", "livecodebench.jsonl.gz")
_RELEASE = re.compile(r"release_v([1-9])|v([1-9])(?:_v([1-9]))?")


def part_files(part: int) -> tuple[str, ...]:
    """The names under which what came with release `part` may lie in the data folder, the hub's own first."""
    published = f"test{part if part > 1 else ''}.jsonl"
    ours = [f"livecodebench-v{part}{only}.jsonl" for only in ("", "-public")]
    return tuple(f"{name}{end}" for name in (published, *ours) for end in ("", ".gz"))


FILES = (*_OWN, *(name for part in range(1, LATEST + 1) for name in part_files(part)))

_FIELDS = ("question_content", "question_id", "contest_date", "starter_code", "public_test_cases", "metadata")
_STARRED = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing"),
)
# Their checker gives these names to every program, in this order: contest code leaves imports out.
PREAMBLE = (
    "".join(f"from {name} import *\n" for name in _STARRED)
    + "".join(f"import {name}\n" for name in _STARRED[:-2])
    + "sys.setrecursionlimit(50000)\n"
)


def load_livecodebench(first: str = "", last: str = "", release: str = "") -> list[Problem]:
    """The problems of a release (`parts_of`) whose contests were held from `first` to `last` (ISO dates, both
    included; "" for no bound). Without a release: of the file livecodebench.jsonl, else of every part that is
    at hand, else of the hub's first.

    Raises `FlywheelError` when a file is missing or unreadable, or the window is empty.
    """
    begin, end = _bounds(first, last)
    problems: list[Problem] = []
    paths = _paths(release)
    # A file has up to 1.3 GB: its rows go before the next one is read.
    for path in paths:
        rows = [row for row in read_rows(path, *_FIELDS) if begin <= _contest_day(row["contest_date"]) <= end]
        problems += [_problem(row, str(path)) for row in rows]
    if not problems:
        _refuse_window(", ".join(map(str, paths)), begin, end)
    return problems


def parts_of(release: str) -> list[int]:
    """The numbers of the published parts of a release: `release_v3` is the first three, `v3` the third alone,
    `v2_v4` the second to the fourth. Raises `FlywheelError` for any other name."""
    named = _RELEASE.fullmatch(f"release_v{LATEST}" if release == "release_latest" else release)
    whole, first, last = (int(group or 0) for group in named.groups()) if named else (0, 0, 0)
    parts = list(range(first or 1, (whole or last or first) + 1))
    if not parts or parts[-1] > LATEST:
        raise FlywheelError(
            f"LiveCodeBench has no release {release!r}: write release_v1 to release_v{LATEST}, v4 for what "
            "came with the fourth, or v4_v6 for a range."
        )
    return parts


def in_window(rows: Sequence[dict[str, Any]], first: str, last: str, where: str) -> list[dict[str, Any]]:
    """The rows whose contest fell into the window. Raises `FlywheelError` when there is none, or no date."""
    begin, end = _bounds(first, last)
    kept = [row for row in rows if begin <= _contest_day(row["contest_date"]) <= end]
    if not kept:
        _refuse_window(where, begin, end)
    return kept


def _refuse_window(where: str, begin: date, end: date) -> NoReturn:
    raise FlywheelError(f"{where} has no contest from {begin} to {end}: widen the window.")


def _bounds(first: str, last: str) -> tuple[date, date]:
    return _day(first, date.min), _day(last, date.max)


def _paths(release: str) -> list[Path]:
    if release:
        return [data_file(*part_files(part)) or _from_hub(part) for part in parts_of(release)]
    if own := data_file(*_OWN):
        return [own]
    at_hand = [data_file(*part_files(part)) for part in range(1, LATEST + 1)]
    return [path for path in at_hand if path] or [_from_hub(1, *_OWN[:1])]


def _from_hub(part: int, *also: str) -> Path:
    from tasks.core.hub import hub_reachable

    if not hub_reachable():
        needed_file("livecodebench", *also, *part_files(part)[:1])
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(HUB, part_files(part)[0], repo_type="dataset"))


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise FlywheelError(f"{text!r} is no date: write it as 2024-01-31.") from None


def _contest_day(value: Any) -> date:
    """A contest's day: a date and time, their ISO text, or milliseconds since 1970 as `to_json` has them."""
    if not isinstance(value, int):
        return _day(str(value)[:10], date.min)
    try:
        return datetime.fromtimestamp(value / 1000, UTC).date()
    except (ValueError, OverflowError, OSError):
        raise FlywheelError(f"contest_date {str(value)[:40]} is no time: fetch the file again.") from None


def _problem(row: dict[str, Any], where: str) -> Problem:
    try:
        public = json.loads(row["public_test_cases"])
        private = private_tests(row.get("private_test_cases") or "")
        entry_point = str(json.loads(row["metadata"] or "{}").get("func_name") or "")
        return Problem(
            problem_id=f"livecodebench/{row['question_id']}",
            statement=row["question_content"].strip(),
            entry_point=entry_point,
            signature=method_signature(row["starter_code"], entry_point) if entry_point else "",
            source="livecodebench" if private else "livecodebench-public",
            split="test",
            preamble=PREAMBLE,
            gold_cases=tuple(_case(test, entry_point) for test in [*public, *private]),
            native=row["starter_code"],
        )
    except (KeyError, TypeError, AttributeError, ValueError, SyntaxError) as error:
        problem = f"{where}: problem {str(row['question_id'])[:40]}"
        raise FlywheelError(f"{problem} cannot be read ({error}): fetch the file again.") from None


def private_tests(text: str) -> list[dict[str, str]]:
    """Private tests: JSON, or JSON that was pickled, compressed and written in base64. Raises ValueError."""
    if not text:
        return []
    try:
        tests: list[dict[str, str]] = json.loads(text)
    except ValueError:
        tests = json.loads(unpacked_text(text))
    return tests


def _case(test: dict[str, str], entry_point: str) -> Case:
    if not entry_point:
        call, expected = make_call("", [test["input"]]), test["output"]
        return Case("stdin", call=call, expected=values.encode(expected), rule="livecodebench-stdout")
    args = [json.loads(line) for line in test["input"].split("\n")]
    expected = json.loads(test["output"])
    call = make_call(entry_point, args)
    return Case("functional", call=call, expected=values.encode(expected), rule="livecodebench-value")


def method_signature(starter: str, name: str) -> str:
    """`def f(a, b):` for the method that the starter code begins: without `self` and annotations.

    Their checker takes a plain function as well as a method of `Solution`. Raises ValueError if it is absent.
    """
    for node in ast.walk(parse_foreign(f"{starter.rstrip()}\n        pass\n")):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            node.args.args = [argument for argument in node.args.args if argument.arg != "self"]
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            return f"def {name}({ast.unparse(node.args)}):"
    raise ValueError(f"the starter code has no method {name}")


def same_value(value: Any, expected: Any, case: Case) -> bool:
    """The rule of function problems."""
    return values.equal(list(value) if isinstance(value, tuple) else value, expected)


def same_output(value: Any, expected: Any, case: Case) -> bool:
    """The rule of stdin problems."""
    return same_lines(value, expected)


def same_lines(value: Any, expected: Any) -> bool:
    """Whether two texts are equal line by line without outer blanks, or as decimal numbers."""
    if not isinstance(value, str) or not isinstance(expected, str):
        return False
    ours, theirs = ([line.strip() for line in text.strip().split("\n")] for text in (value, expected))
    return len(ours) == len(theirs) and all(
        one == two or _equal_numbers(one, two) for one, two in zip(ours, theirs, strict=True)
    )


def _equal_numbers(left: str, right: str) -> bool:
    try:
        return [Decimal(word) for word in left.split()] == [Decimal(word) for word in right.split()]
    except InvalidOperation:
        return False


BENCHMARK = Benchmark(
    "livecodebench",
    lambda selection: load_livecodebench(selection.first, selection.last, selection.release),
    files=FILES,
    # Its own checker grants six seconds a test, of a function too.
    limits={"cpu_s": 6, "wall_s": 20, "memory_mb": 1024, "output_kb": 8192},
    limited_by_call=True,
    rules={"livecodebench-value": same_value, "livecodebench-stdout": same_output},
)
