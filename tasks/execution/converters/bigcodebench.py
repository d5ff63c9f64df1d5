"""BigCodeBench (bigcode/bigcodebench): a unittest class a task, about functions that use libraries.

The sandbox holds the standard library and, with `sandbox.numpy`, numpy. A task of another library has one
case that says which one is missing, so that no program is called wrong for it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from tasks.core.fragments import parse_python
from tasks.execution.converters.base import Converted, Converter, Row, first_id

_HELD = {*sys.stdlib_module_names, "numpy"}


def convert(row: Row, number: int) -> Converted:
    """A row."""
    code, test = row["complete_prompt"] + row["canonical_solution"], row["test"]
    missing = sorted({*_imported(code), *_imported(test)} - _HELD)
    why = f"needs {', '.join(missing)}, which the sandbox does not have"
    suite = {"suite_id": "unittest", "cases": [{"invalid": why}]} if missing else None
    return Converted(
        {
            "problem_id": first_id(row, number, "task_id"),
            "statement": row.get("instruct_prompt") or row["complete_prompt"],
            "entry_point": row["entry_point"],
            "prompt": row["complete_prompt"],
        },
        [suite or {"suite_id": "unittest", "code": test}],
        [{"solution_id": "canonical", "code": code}],
    )


def _imported(text: str) -> Iterator[str]:
    """The top-level modules that a text imports."""
    tree = parse_python(text)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


BIGCODEBENCH = Converter(
    "bigcodebench",
    "BigCodeBench",
    frozenset({"task_id", "complete_prompt", "canonical_solution", "test", "entry_point"}),
    convert,
)
