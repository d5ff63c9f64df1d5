"""KodCode (KodCode/KodCode-V1 and what its pipeline writes): a solution and a pytest file a question.

The test imports what it tests by `from solution import ..`. The entry point is that of `test_info` where
there is one function, else the first imported name, which may be a class."""

from __future__ import annotations

import ast

from tasks.core.fragments import parse_python
from tasks.execution.converters.base import Converted, Converter, Row, first_id, loaded
from tasks.testcode.names import used_names


def convert(row: Row, number: int) -> Converted:
    """A row; raises ValueError where the test uses nothing of the solution."""
    test = row.get("test") or row["test_code"]
    told = [str(info.get("function_name") or "") for info in loaded(row.get("test_info")) or ()]
    used = used_names(parse_python(test) or ast.Module([], []))
    defined = [name for name in (*told, *defined_names(row["solution"])) if name in used]
    entry_point = next((name for name in [*imported_names(test), *defined] if name.isidentifier()), "")
    if not entry_point:
        raise ValueError("its test uses nothing of the solution")
    return Converted(
        {
            "problem_id": first_id(row, number, "question_id", "conversation_id"),
            "statement": row["question"],
            "entry_point": entry_point,
        },
        [{"suite_id": "pytest", "code": test}],
        [{"solution_id": "gold", "code": row["solution"]}],
    )


def imported_names(test: str) -> list[str]:
    """What a test file imports from the module `solution`."""
    tree = parse_python(test)
    return [
        alias.name
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.ImportFrom) and node.module == "solution"
        for alias in node.names
    ]


def defined_names(code: str) -> list[str]:
    """The functions and classes of a program."""
    tree = parse_python(code)
    return [
        node.name for node in (tree.body if tree else ()) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]


KODCODE = Converter(
    "kodcode",
    "KodCode: a pytest file a question",
    frozenset({"question", "solution", "test_info"}),
    convert,
)
