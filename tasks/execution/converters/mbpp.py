"""MBPP (google-research mbpp.jsonl, sanitized-mbpp.json, and the hub's copies): a list of assertions a task.

The entry point is the function of `code` that the assertions call. `test_setup_code`, `test_imports` and the
imports of `code` stand before the assertions, as they do where MBPP is graded. MBPP+ as the hub has it has a
whole test file in `test` beside them, which is a suite of its own.
"""

from __future__ import annotations

from tasks.benchmarks.code import called_function, imports_of
from tasks.execution.converters.base import Converted, Converter, Row, first_id


def convert(row: Row, number: int) -> Converted:
    """A row; raises ValueError where no function of the code is called by the assertions."""
    code = row["code"].replace("\r\n", "\n")
    tests = [*row["test_list"], *(row.get("challenge_test_list") or ())]
    entry_point = called_function(tests, code)
    if not entry_point:
        raise ValueError("its assertions call no function of its code")
    setup = [*(row.get("test_imports") or ()), *imports_of(code), row.get("test_setup_code") or ""]
    text = "\n".join([*setup, *tests])
    suites = [{"suite_id": "assertions", "code": text}]
    if isinstance(row.get("test"), str):
        suites.append({"suite_id": "plus", "code": row["test"]})
    return Converted(
        {
            "problem_id": first_id(row, number, "task_id"),
            "statement": row.get("text") or row.get("prompt") or "",
            "entry_point": entry_point,
        },
        suites,
        [{"solution_id": "gold", "code": code}],
    )


MBPP = Converter(
    "mbpp",
    "MBPP, whole or sanitized, and MBPP+ as the hub has it",
    frozenset({"task_id", "code", "test_list"}),
    convert,
)
