"""EvalPlus's own files: HumanEval+ (HumanEvalPlus*.jsonl) and MBPP+ (MbppPlus*.jsonl).

They hold inputs and a canonical solution, no expected values: the canonical solution runs beside the test,
in the test's process, and a candidate's value is compared there with what it returns, by evalplus's rule:
`==`, else, of floats, a tolerance. Two suites: "base", the inputs of the original benchmark, and "plus",
all others."""

from __future__ import annotations

from tasks.benchmarks.evalplus import AS_SETS, FLOAT_TOLERANCE, NOT_NONE, RELATIVE_TOLERANCE
from tasks.benchmarks.evalplus_inputs import decode_mbpp
from tasks.core.literals import to_source
from tasks.execution.converters.base import Converted, Converter, Row, first_id

_TEST = """\
import copy
import math

_reference = {{"__name__": "reference"}}
exec({code!r}, _reference)
_tolerance = {tolerance}


def _inputs():
    return {inputs}


def _close(value, wanted):
    if type(value) is not type(wanted):
        return False
    if isinstance(wanted, (list, tuple)):
        return len(value) == len(wanted) and all(map(_close, value, wanted))
    if isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol={relative}, abs_tol=_tolerance or {absolute})
    return value == wanted


def _same(value, wanted):
    {same}


def check(candidate):
    for arguments in _inputs():
        wanted = _reference[{name!r}](*copy.deepcopy(arguments))
        assert _same(candidate(*copy.deepcopy(arguments)), wanted)
"""
_PLAIN = "return value == wanted or _close(value, wanted)"
_SETS = "return set(value) == set(wanted)"
_NONE = """\
if isinstance(value, bool):
        return value == wanted
    return (value is not None) == (wanted not in (None, False))"""


def convert(row: Row, number: int) -> Converted:
    """A row of either file."""
    task, name = first_id(row, number, "task_id"), row["entry_point"]
    is_mbpp = task.startswith("Mbpp/")
    own = row["canonical_solution"]
    code = own if is_mbpp else row["prompt"] + own
    same = _SETS if is_mbpp and name in AS_SETS else _NONE if is_mbpp and name in NOT_NONE else _PLAIN
    suites = []
    for part in ("base", "plus"):
        inputs = [list(args) for args in row[f"{part}_input"] or ()]
        inputs = decode_mbpp(task, inputs) if is_mbpp else inputs
        if inputs:
            test = _TEST.format(
                code=code,
                inputs=to_source(inputs),
                name=name,
                same=same,
                tolerance=float(row["atol"]),
                relative=RELATIVE_TOLERANCE,
                absolute=FLOAT_TOLERANCE,
            )
            suites.append({"suite_id": part, "code": test})
    return Converted(
        {"problem_id": task, "statement": row["prompt"], "entry_point": name, "prompt": row["prompt"]},
        suites,
        [{"solution_id": "canonical", "code": code}],
    )


EVALPLUS = Converter(
    "evalplus",
    "HumanEval+ and MBPP+, EvalPlus's own files",
    frozenset({"task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol"}),
    convert,
)
