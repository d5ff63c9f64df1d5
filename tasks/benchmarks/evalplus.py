"""EvalPlus's benchmarks (Liu et al. 2023, arXiv 2305.01210, Apache 2.0): MBPP+ and HumanEval+.

A file of theirs holds inputs and a canonical solution, no expected values: those are what the canonical
solution returns, in the sandbox as anywhere (`complete`). A task's tests are calls, "base" ones (the original
benchmark's inputs) and "plus" ones; `Case.source` says which.

The comparison rule is that of evalplus 0.3.1 over plain data: `==`, else, where a tolerance holds, equal
types and `numpy.allclose`; some tasks have an oracle of their own. The tolerance is sticky: once a task has
expected floats, all its later outputs are compared with 1e-6.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tasks.benchmarks.base import Benchmark
from tasks.benchmarks.code import signature_of
from tasks.benchmarks.evalplus_inputs import decode_mbpp
from tasks.benchmarks.files import needed_file, read_rows
from tasks.benchmarks.humaneval import prompted
from tasks.core import values
from tasks.core.errors import FlywheelError
from tasks.core.records import Case, Outcome, Problem
from tasks.testcode.suites import make_call

MBPP_PLUS_FILES = ("mbpp-plus.jsonl", "MbppPlus-v0.2.0.jsonl", "MbppPlus-v0.2.0.jsonl.gz")
HUMANEVAL_PLUS_FILES = (
    *("HumanEvalPlus.jsonl", "HumanEvalPlus.jsonl.gz"),
    *("HumanEvalPlus-v0.1.10.jsonl", "HumanEvalPlus-v0.1.10.jsonl.gz"),
)
RELATIVE_TOLERANCE = 1e-7
FLOAT_TOLERANCE = 1e-6
BASE, PLUS = "base", "plus"

_FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol")
# Tasks of MBPP+ whose results are compared as sets, and those that ask for any result but None.
AS_SETS = frozenset(
    {"similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly"}
    | {"larg_nnum", "intersection_array", "find_dissimilar", "Diff"}
)
NOT_NONE = frozenset({"check_str", "text_match_three", "text_starta_endb"})


def load_mbpp_plus() -> list[Problem]:
    """MBPP+, all test. Raises `FlywheelError` when the file is missing or is not what it should be."""
    return _load("mbpp-plus", MBPP_PLUS_FILES, _mbpp_problem)


def load_humaneval_plus() -> list[Problem]:
    """HumanEval+, all test. Raises `FlywheelError` when the file is missing or is not what it should be."""
    return _load("humaneval-plus", HUMANEVAL_PLUS_FILES, _humaneval_problem)


def _load(
    benchmark: str, files: Sequence[str], problem_of: Callable[[dict[str, Any]], Problem]
) -> list[Problem]:
    path = needed_file(benchmark, *files)
    problems = []
    for row in read_rows(path, *_FIELDS):
        try:
            problems.append(problem_of(row))
        except (TypeError, ValueError, AttributeError, IndexError, KeyError, SyntaxError) as error:
            task = f"{path}: task {str(row['task_id'])[:40]}"
            raise FlywheelError(f"{task} cannot be read ({error}): fetch the file again.") from None
    return problems


def _mbpp_problem(row: dict[str, Any]) -> Problem:
    inputs = {part: decode_mbpp(row["task_id"], row[f"{part}_input"]) for part in (BASE, PLUS)}
    text = row["prompt"].strip().strip('"').strip()
    return Problem(
        problem_id=f"mbpp-plus/{row['task_id'].rpartition('/')[2]}",
        # Their prompt shows one of the assertions; here the signature stands instead, as with mbpp.
        statement=" ".join(text.partition("\nassert")[0].split()),
        entry_point=row["entry_point"],
        signature=signature_of(row["canonical_solution"], row["entry_point"]),
        source="mbpp-plus",
        split="test",
        gold_solution=row["canonical_solution"].strip() + "\n",
        gold_cases=_cases(row, inputs),
        native=row["prompt"],
    )


def _humaneval_problem(row: dict[str, Any]) -> Problem:
    inputs = {part: [list(args) for args in row[f"{part}_input"]] for part in (BASE, PLUS)}
    return prompted(row, "humaneval-plus", _cases(row, inputs))


def _cases(row: dict[str, Any], inputs: dict[str, list[list[Any]]]) -> tuple[Case, ...]:
    return tuple(
        Case(
            source=part,
            call=make_call(row["entry_point"], args),
            rule="evalplus",
            tolerance=float(row["atol"]),
        )
        for part, rows in inputs.items()
        for args in rows
    )


def complete(problem: Problem, outcomes: Sequence[Outcome]) -> Problem:
    """The problem with expected value and tolerance of every case, from its canonical solution's outcomes.

    Raises `FlywheelError` when one of those is no value: then there is nothing to compare with.
    """
    tolerances: dict[str, float] = {}
    cases = []
    for case, outcome in zip(problem.gold_cases, outcomes, strict=True):
        if outcome.kind != "value":
            raise FlywheelError(
                f"the canonical solution of {problem.problem_id} gave no value ({outcome.kind} "
                f"{outcome.exception or outcome.detail}): raise sandbox.cpu_s or sandbox.memory_mb."
            )
        expected = values.decode(outcome.value)
        if problem.entry_point in NOT_NONE and not isinstance(expected, bool):
            expected = expected is not None
        tolerance = tolerances.get(case.source, case.tolerance)
        if not tolerance and _are_floats(expected):
            tolerance = FLOAT_TOLERANCE
        tolerances[case.source] = tolerance
        cases.append(replace(case, expected=values.encode(expected), tolerance=tolerance))
    return replace(problem, gold_cases=tuple(cases))


def _are_floats(value: Any) -> bool:
    if isinstance(value, list | tuple) and value:
        return all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def agrees(value: Any, expected: Any, case: Case) -> bool:
    """Whether evalplus would take the value for the expected one."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return _agrees(value, expected, case)
    except Exception:
        # Their comparison runs in the solution's process: whatever it raises is a failure.
        return False


def _agrees(value: Any, expected: Any, case: Case) -> bool:
    if case.call and case.call.function == "find_zero":
        # HumanEval/32: any root will do.
        return bool(abs(_polynomial(_arguments(case)[0], value)) <= case.tolerance)
    if _matches(value, expected, case):
        return True
    if not case.tolerance or type(value) is not type(expected):
        return False
    if isinstance(expected, list | tuple) and len(value) != len(expected):
        return False
    if _holds_text(value):
        # numpy refuses it too, after it gave every item the room of the longest.
        return False
    return bool(np.allclose(value, expected, rtol=RELATIVE_TOLERANCE, atol=case.tolerance))


def _holds_text(value: Any) -> bool:
    return isinstance(value, str | bytes) or (
        isinstance(value, list | tuple) and any(map(_holds_text, value))
    )


def _matches(value: Any, expected: Any, case: Case) -> bool:
    name = case.call.function if case.call else ""
    if name in AS_SETS:
        return set(value) == set(expected)
    if name in NOT_NONE:
        return bool(value == expected) if isinstance(value, bool) else (value is not None) == expected
    if values.equal(value, expected):
        return True
    if name == "are_equivalent":
        return True
    if name == "sum_div":
        return bool(value == 0)
    if name == "surface_Area":
        return bool(abs(value - _pyramid_area(*_arguments(case))) <= case.tolerance)
    if name == "digit_distance_nums":
        return bool(value == _digit_distance(*_arguments(case)))
    return False


def _arguments(case: Case) -> list[Any]:
    assert case.call is not None
    args: list[Any] = values.decode(case.call.arguments)[0]
    return args


def _polynomial(coefficients: list[float], x: float) -> float:
    return sum(coefficient * math.pow(x, power) for power, coefficient in enumerate(coefficients))


def _pyramid_area(base: float, height: float) -> int:
    """Mbpp/581 read another way: the height is the distance from the base to the apex."""
    return round(base**2 + 2 * base * math.sqrt((base / 2) ** 2 + height**2))


def _digit_distance(left: int, right: int) -> int:
    """Mbpp/558 read another way: digit by digit, the shorter number padded with zeros."""
    width = max(len(str(left)), len(str(right)))
    pairs = zip(str(left).zfill(width), str(right).zfill(width), strict=True)
    return sum(abs(int(a) - int(b)) for a, b in pairs)


# Some of MBPP+'s canonical solutions compute for seconds over their inputs, one returns a list of 1 GB.
MBPP_PLUS = Benchmark(
    "mbpp-plus",
    lambda _: load_mbpp_plus(),
    files=MBPP_PLUS_FILES,
    needs_file=True,
    limits={"cpu_s": 60, "wall_s": 180, "memory_mb": 2048, "output_kb": 8192},
    rules={"evalplus": agrees},
)
HUMANEVAL_PLUS = Benchmark(
    "humaneval-plus",
    lambda _: load_humaneval_plus(),
    files=HUMANEVAL_PLUS_FILES,
    needs_file=True,
    limits={"cpu_s": 20, "wall_s": 60, "memory_mb": 2048, "output_kb": 8192},
)
