"""AceCode (TIGER-Lab/AceCode-87K): a list of assertions in `test_cases`, sampled programs in `inferences`.

Its rows name no entry point: it is the function that most of the assertions call. Of the inferences the code
in the last fence is the program.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Sequence

from tasks.core.fragments import parse_python
from tasks.execution.converters.base import Converted, Converter, Row, first_id
from tasks.generation.answers import bare_code
from tasks.generation.prompts import Refusal


def convert(row: Row, number: int) -> Converted:
    """A row; raises ValueError where the assertions call nothing."""
    tests = [test for test in row["test_cases"] if isinstance(test, str)]
    entry_point = called_name(tests)
    if not entry_point:
        raise ValueError("its assertions call no function")
    solutions = []
    for place, inference in enumerate(row.get("inferences") or ()):
        code = bare_code(inference["completion"], entry_point)
        if not isinstance(code, Refusal):
            model = str(inference.get("model_name") or "model")
            name = f"{model}/{inference.get('completion_id', place)}"
            solutions.append({"solution_id": name, "code": code})
    return Converted(
        {
            "problem_id": first_id(row, number, "id"),
            "statement": row["question"],
            "entry_point": entry_point,
        },
        [{"suite_id": "assertions", "code": "\n".join(tests)}],
        solutions,
    )


def called_name(tests: Sequence[str]) -> str:
    """The function, no builtin, that most of these tests call outermost; "" where none calls any."""
    names: Counter[str] = Counter()
    for test in tests:
        tree = parse_python(test)
        called = [
            node.func.id
            for node in (ast.walk(tree) if tree else ())
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
        names.update(name for name in dict.fromkeys(called) if not hasattr(builtins, name))
    return names.most_common(1)[0][0] if names else ""


ACECODE = Converter(
    "acecode",
    "AceCode: lists of assertions",
    frozenset({"question", "test_cases"}),
    convert,
)
