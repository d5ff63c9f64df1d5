"""APPS (codeparrot/apps) and TACO (BAAI/TACO): `input_output` with `inputs`, `outputs` and perhaps
`fn_name`.

`input_output` and `solutions` are JSON texts, or what those hold. With `fn_name` a case is a call, and the
expected value stands alone or in a list of one, as APPS's own checker takes it; without, a case is a
program's input and output, compared by words and, where a word is a decimal fraction, as numbers. TACO's
rows have no id of their own: they are numbered from 0."""

from __future__ import annotations

from tasks.execution.converters.base import (
    Converted,
    Converter,
    Row,
    called_cases,
    first_id,
    loaded,
    numbered,
    stdin_cases,
)


def convert(row: Row, number: int) -> Converted:
    """A row; one without tests (APPS has some) is a problem that no suite belongs to."""
    data = loaded(row["input_output"] or "{}")
    name = data.get("fn_name") or ""
    problem = {
        "problem_id": first_id(row, number, "problem_id", "id", "task_id"),
        "statement": row["question"],
        "prelude": True,
    }
    inputs, outputs = data.get("inputs") or [], data.get("outputs") or []
    if name:
        problem |= {"entry_point": name, "compare": "wrapped", "starter_code": row.get("starter_code") or ""}
        cases = called_cases(inputs, outputs)
    else:
        problem |= {"style": "stdin", "compare": "float"}
        cases = stdin_cases(inputs, outputs)
    return Converted(
        problem,
        [{"suite_id": "tests", "cases": cases}] if cases else [],
        numbered("solution-", loaded(row.get("solutions") or "[]")),
    )


INPUT_OUTPUT = Converter(
    "apps",
    "APPS and TACO",
    frozenset({"question", "input_output"}),
    convert,
    without=frozenset({"completion"}),
)
