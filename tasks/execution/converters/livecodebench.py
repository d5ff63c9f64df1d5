"""LiveCodeBench (livecodebench/code_generation_lite, test*.jsonl): public and private tests, no solutions.

Private tests are JSON, or JSON that was pickled, compressed and written in base64; the pickle is taken apart
without being executed. Functions and stdin programs are compared by the rules of its own checker, behind the
imports that its checker puts in front of every program.
"""

from __future__ import annotations

from typing import Any

from tasks.benchmarks.livecodebench import private_tests
from tasks.execution.converters.base import Converted, Converter, Row, called_cases, first_id, loaded


def convert(row: Row, number: int) -> Converted:
    """A row. Its private tests are a suite of their own, where it has them."""
    name = loaded(row.get("metadata") or "{}").get("func_name") or ""
    problem: dict[str, Any] = {
        "problem_id": first_id(row, number, "question_id"),
        "statement": row["question_content"],
        "prelude": True,
    }
    if name:
        problem |= {"entry_point": name, "starter_code": row.get("starter_code") or ""}
    else:
        problem |= {"style": "stdin", "compare": "lines"}
    groups = {
        "public": loaded(row["public_test_cases"] or "[]"),
        "private": private_tests(row.get("private_test_cases") or ""),
    }
    suites = [{"suite_id": group, "cases": _cases(tests, name)} for group, tests in groups.items() if tests]
    return Converted(problem, suites)


def _cases(tests: list[dict[str, str]], name: str) -> list[dict[str, Any]]:
    if name:
        return called_cases([test["input"] for test in tests], [test["output"] for test in tests])
    return [{"stdin": test["input"], "stdout": test["output"]} for test in tests]


LIVECODEBENCH = Converter(
    "livecodebench",
    "LiveCodeBench, code generation",
    frozenset({"question_content", "public_test_cases"}),
    convert,
)
