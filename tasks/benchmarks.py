"""Labelled problems: each benchmark owns its decoder and its comparison rule.

starter   written for this project, shipped with it: half A is dev, half B is test
mbpp      MBPP sanitized (Austin et al. 2021, CC BY 4.0): validation is dev, test is test, train feeds
          self-play (texts and signatures only); from the hub or `FLYWHEEL_DATA_DIR`
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from tasks import values
from tasks.errors import FlywheelError
from tasks.judging import Equality
from tasks.records import Problem

MBPP_FILE = "sanitized-mbpp.json"
MBPP_HUB = "google-research-datasets/mbpp"
HALVES = {"A": "dev", "B": "test"}


def equality_of(benchmark: str) -> Equality:
    """The benchmark's comparison rule; `==` over plain data unless it brings its own."""
    return {"mbpp": values.equal}.get(benchmark, values.equal)


def load_benchmark(name: str) -> list[Problem]:
    """All dev and test problems of a benchmark. Raises `FlywheelError` when its data cannot be had."""
    if name == "starter":
        return load_starter()
    if name == "mbpp":
        return [problem for problem in load_mbpp() if problem.split != "train"]
    raise FlywheelError(f"no benchmark is called {name!r}: choose among starter, mbpp.")


def load_starter() -> list[Problem]:
    """The shipped benchmark."""
    text = resources.files("tasks.data").joinpath("starter.jsonl").read_text(encoding="utf-8")
    return [_starter_problem(json.loads(line)) for line in text.splitlines()]


def _starter_problem(row: dict[str, Any]) -> Problem:
    return Problem(
        problem_id=row["problem_id"],
        statement=row["statement"],
        entry_point=row["entry_point"],
        signature=row["signature"],
        source="starter",
        split=HALVES[row["half"]],
        gold_solution=row["gold_solution"],
        gold_suite=tuple(row["gold_suite"]),
        wrong_solutions=tuple(row["wrong_solutions"]),
    )


def load_mbpp() -> list[Problem]:
    """MBPP sanitized with its splits by task id: 11-510 test, 511-600 dev, 601-974 train (1-10: prompts)."""
    folder = os.environ.get("FLYWHEEL_DATA_DIR", "")
    path = Path(folder) / MBPP_FILE
    if folder and path.exists():
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FlywheelError(f"{path} is not JSON ({error}): fetch it again.") from None
    else:
        rows = _mbpp_from_hub()
    problems = [_mbpp_problem(row) for row in rows if row["task_id"] > 10]
    return [problem for problem in problems if problem is not None]


def _mbpp_from_hub() -> list[dict[str, Any]]:
    from tasks.models import hub_reachable

    if not hub_reachable():
        raise FlywheelError(
            f"MBPP cannot be fetched, the hub is out of reach: set FLYWHEEL_DATA_DIR to a folder that holds "
            f"{MBPP_FILE}, or leave mbpp out of evaluation.benchmarks."
        )
    from datasets import load_dataset

    splits = load_dataset(MBPP_HUB, "sanitized")
    return [dict(row) for split in splits.values() for row in split]


def _mbpp_problem(row: dict[str, Any]) -> Problem | None:
    """None when the entry point cannot be read off the gold assertions."""
    entry_point = called_function(row["test_list"], row["code"])
    signature = signature_of(row["code"], entry_point) if entry_point else ""
    if not signature:
        return None
    task_id = row["task_id"]
    setup = "".join(f"{line}\n" for line in (*(row.get("test_imports") or []), *_imports(row["code"])))
    return Problem(
        problem_id=f"mbpp/{task_id}",
        statement=" ".join(row["prompt"].split()),
        entry_point=entry_point,
        signature=signature,
        source="mbpp",
        split="test" if task_id <= 510 else "dev" if task_id <= 600 else "train",
        gold_solution=row["code"].replace("\r\n", "\n"),
        # Only tests that need the imports get them: the others stay plain calls.
        gold_suite=tuple(setup + test if _uses(test, setup) else test for test in row["test_list"]),
    )


def _imports(code: str) -> list[str]:
    """The top-level imports of a program: MBPP's tests run in its namespace and use them."""
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [ast.unparse(node) for node in nodes]


def _uses(test: str, setup: str) -> bool:
    """Whether a test mentions a name that its setup imports."""
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(ast.parse(setup))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return any(isinstance(node, ast.Name) and node.id in imported for node in ast.walk(ast.parse(test)))


def called_function(tests: Sequence[str], code: str) -> str:
    """The function of `code` that the tests call; '' when there is none or the text does not parse."""
    try:
        defined = {node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
        trees = [ast.parse(test) for test in tests]
    except SyntaxError:
        return ""
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in defined:
            return node.func.id
    return ""


def signature_of(code: str, entry_point: str) -> str:
    """`def f(a, b=1):` as the code defines it, without annotations; '' when it does not."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            return f"def {entry_point}({ast.unparse(node.args)}):"
    return ""
