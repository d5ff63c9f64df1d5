"""CodeContests (deepmind/code_contests): public, private and generated tests, solutions in several
languages.

Each of the three groups of tests is a suite. Solutions and incorrect solutions in Python 3 (language 3) are
taken, by the names "solution-N" and "incorrect-N" of their places; others are left out. Outputs are
compared by words and, where a word is a decimal fraction, as numbers. Problems that several answers are
right for are not marked in the data set: give them a checker."""

from __future__ import annotations

from typing import Any

from tasks.execution.converters.base import Converted, Converter, Row, stdin_cases

_PYTHON3 = (3, "PYTHON3")
_GROUPS = ("public_tests", "private_tests", "generated_tests")


def convert(row: Row, number: int) -> Converted:
    """A row."""
    suites = []
    for group in _GROUPS:
        tests = row.get(group) or {}
        if cases := stdin_cases(*_columns(tests, "input", "output")):
            suites.append({"suite_id": group.removesuffix("_tests"), "cases": cases})
    solutions = []
    for field, prefix in (("solutions", "solution-"), ("incorrect_solutions", "incorrect-")):
        languages, codes = _columns(row.get(field) or {}, "language", "solution")
        solutions += [
            {"solution_id": f"{prefix}{place}", "code": code}
            for place, (language, code) in enumerate(zip(languages, codes, strict=True))
            if language in _PYTHON3
        ]
    problem = {
        "problem_id": str(row["name"]),
        "statement": row["description"],
        "style": "stdin",
        "compare": "float",
    }
    return Converted(problem, suites, solutions)


def _columns(table: Any, first: str, second: str) -> tuple[list[Any], list[Any]]:
    """Two columns of a table, which is a dictionary of lists or a list of dictionaries."""
    if isinstance(table, list):
        return [one[first] for one in table], [one[second] for one in table]
    return list(table.get(first) or ()), list(table.get(second) or ())


CODECONTESTS = Converter(
    "codecontests",
    "CodeContests",
    frozenset({"name", "description", "public_tests", "private_tests"}),
    convert,
)
