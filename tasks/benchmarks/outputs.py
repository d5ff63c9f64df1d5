"""LiveCodeBench's test output prediction (Jain et al. 2024, arXiv 2403.07974): the verifier's part alone.

A problem is shown with the input of one test, as `assert f(input) ==`, and the model says what comes after.
Nothing is executed. Rows as test_generation publishes them, several a question: `Problem.parent` is the
question, by which intervals are drawn.

The rule is that of its own checker: of an answer the last line that begins with `assert` counts, else the
first code block; there, the right side of the first `==`, which must equal the expected JSON by Python's
`==`. Its checker calls `eval` on what a model wrote; here that side must be a literal, so that nothing
runs: `10**9`, which its checker would accept, is no prediction.
"""

from __future__ import annotations

import ast
import json
from typing import Any

from tasks.benchmarks.base import Benchmark
from tasks.benchmarks.files import data_file, needed_file, read_rows
from tasks.benchmarks.livecodebench import in_window, method_signature
from tasks.core import literals, values
from tasks.core.errors import FlywheelError
from tasks.core.fragments import parse_python
from tasks.core.records import Case, Problem
from tasks.testcode.suites import make_call

NAME = "livecodebench-output"
FILES = ("livecodebench-output.jsonl", "livecodebench-output.jsonl.gz")
HUB = "livecodebench/test_generation"

_FIELDS = (
    *("question_content", "question_id", "contest_date"),
    *("starter_code", "function_name", "test_id", "test"),
)


def load_outputs(first: str = "", last: str = "") -> list[Problem]:
    """A problem a test, of contests from `first` to `last` (ISO dates, both included; "" for no bound).

    Raises `FlywheelError` when the data cannot be had or read, or the window is empty.
    """
    path = data_file(*FILES)
    rows = read_rows(path, *_FIELDS) if path else _from_hub()
    where = str(path or HUB)
    return [_problem(row, where) for row in in_window(rows, first, last, where)]


def _from_hub() -> list[dict[str, Any]]:
    from tasks.core.hub import hub_reachable

    if not hub_reachable():
        needed_file(NAME, *FILES)
    from datasets import load_dataset

    return [dict(row) for row in load_dataset(HUB, split="test")]


def _problem(row: dict[str, Any], where: str) -> Problem:
    try:
        (test,) = json.loads(row["test"])
        lines, name = test["input"].split("\n"), row["function_name"]
        return Problem(
            problem_id=f"{NAME}/{row['question_id']}/{row['test_id']}",
            statement=row["question_content"].strip(),
            entry_point=name,
            signature=method_signature(row["starter_code"], name),
            source=NAME,
            parent=f"{NAME}/{row['question_id']}",
            split="test",
            native=row["starter_code"],
            gold_cases=(
                Case(
                    source=f"assert {name}({', '.join(lines)}) ==",
                    call=make_call(name, [json.loads(line) for line in lines]),
                    expected=values.encode(json.loads(test["output"])),
                ),
            ),
        )
    except (KeyError, TypeError, AttributeError, ValueError, SyntaxError) as error:
        problem = f"{where}: problem {str(row['question_id'])[:40]}"
        raise FlywheelError(f"{problem} cannot be read ({error}): fetch the file again.") from None


def asks_for_output(problem: Problem) -> bool:
    """Whether a problem asks for the output of its one gold case, and neither for code nor for tests."""
    return problem.source == NAME


def predicted(answer: str) -> str:
    """The value that an answer predicts, encoded. Raises `ValueFormatError` when it predicts none."""
    node = _expression(_claim(answer))
    if node is None:
        raise values.ValueFormatError("no assertion of an equality")
    return values.encode(literals.literal(node))


def _claim(answer: str) -> str:
    """The last line that begins with `assert`; without one the first block in a fence, Python's first."""
    lines = answer.split("\n")
    asserts = [line for line in lines if line.startswith("assert")]
    if asserts:
        return asserts[-1]
    fences = [number for number, line in enumerate(lines) if "```" in line]
    tagged = [number for number in fences if "```python" in lines[number] or "```Python" in lines[number]]
    fences = [number for number in fences if not tagged or number >= tagged[0]]
    block = lines[fences[0] + 1 : fences[1]] if len(fences) > 1 else []
    inner = [line for line in block if "assert" in line and not line.startswith("#")]
    return inner[0] if len(block) > 1 and inner else "\n".join(block)


def _expression(claim: str) -> ast.expr | None:
    """The right side of an assertion's first `==`; of a text without the word, the text itself."""
    tree = parse_python(claim.strip())
    if tree is None or not tree.body:
        return None
    first = tree.body[0]
    if "assert" not in claim:
        return first.value if isinstance(first, ast.Expr) and len(tree.body) == 1 else None
    test = first.test if isinstance(first, ast.Assert) else None
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq):
        return test.comparators[0]
    return None


BENCHMARK = Benchmark(NAME, lambda selection: load_outputs(selection.first, selection.last), files=FILES)
