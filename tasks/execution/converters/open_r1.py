"""Data sets with open-r1's `verification_info` (open-r1/verifiable-coding-problems-python and the like).

It holds the `language` and `test_cases`, each with `input` and `output`, a `type` ("stdin_stdout", or
"function_call" with an `fn_name`). Problems in other languages than Python are left out with a sentence.
Outputs of programs are compared by words and, where a word is a decimal fraction, as numbers.
`gold_standard_solution` may be an answer with a fence."""

from __future__ import annotations

from typing import Any

from tasks.execution.converters.base import (
    Converted,
    Converter,
    Row,
    called_cases,
    first_id,
    loaded,
    stdin_cases,
)
from tasks.generation.answers import bare_code
from tasks.generation.prompts import Refusal


def convert(row: Row, number: int) -> Converted:
    """A row; raises ValueError where it is not about Python."""
    info = loaded(row["verification_info"])
    language = str(info.get("language") or "python").lower()
    if language not in ("python", "python3"):
        raise ValueError(f"its language is {language}")
    tests = loaded(info["test_cases"])
    name = next((test["fn_name"] for test in tests if test.get("fn_name")), "")
    problem: dict[str, Any] = {
        "problem_id": first_id(row, number, "problem_id", "id", "task_id"),
        "statement": row.get("prompt") or row.get("problem") or "",
    }
    inputs, outputs = [test["input"] for test in tests], [test["output"] for test in tests]
    if name:
        problem |= {"entry_point": name, "compare": "wrapped", "prelude": True}
        cases = called_cases(inputs, outputs)
    else:
        problem |= {"style": "stdin", "compare": "float"}
        cases = stdin_cases(inputs, outputs)
    gold = row.get("gold_standard_solution") or ""
    code = bare_code(gold, name) if gold else ""
    solutions = [{"solution_id": "gold", "code": code}] if code and not isinstance(code, Refusal) else []
    return Converted(problem, [{"suite_id": "tests", "cases": cases}] if cases else [], solutions)


OPEN_R1 = Converter(
    "open-r1",
    "data sets with open-r1's verification_info",
    frozenset({"verification_info"}),
    convert,
)
