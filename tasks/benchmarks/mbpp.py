"""MBPP sanitized (Austin et al. 2021, arXiv 2108.07732, CC BY 4.0), from the data folder or the hub.

Validation is dev, test is test; train feeds self-play, with texts and signatures only.
"""

from __future__ import annotations

import ast
from typing import Any

from tasks.benchmarks.base import Benchmark
from tasks.benchmarks.code import called_function, imports_of, signature_of
from tasks.benchmarks.files import data_file, needed_file, read_rows
from tasks.core.fragments import parse_foreign
from tasks.core.records import Problem

MBPP_FILE = "sanitized-mbpp.json"
MBPP_HUB = "google-research-datasets/mbpp"


def load_mbpp() -> list[Problem]:
    """MBPP sanitized with its splits by task id: 11-510 test, 511-600 dev, 601-974 train (1-10: prompts).

    Raises `FlywheelError` when its data cannot be had.
    """
    path = data_file(MBPP_FILE)
    rows = read_rows(path, "task_id", "prompt", "code", "test_list") if path else _from_hub()
    problems = [_problem(row) for row in rows if row["task_id"] > 10]
    return [problem for problem in problems if problem is not None]


def _from_hub() -> list[dict[str, Any]]:
    from tasks.core.hub import hub_reachable

    if not hub_reachable():
        needed_file("mbpp", MBPP_FILE)
    from datasets import load_dataset

    splits = load_dataset(MBPP_HUB, "sanitized")
    return [dict(row) for split in splits.values() for row in split]


def _problem(row: dict[str, Any]) -> Problem | None:
    """None when the entry point cannot be read off the gold assertions."""
    entry_point = called_function(row["test_list"], row["code"])
    signature = signature_of(row["code"], entry_point) if entry_point else ""
    if not signature:
        return None
    task_id = row["task_id"]
    # MBPP's tests run in the namespace of the solution and use what it imports.
    setup = "".join(f"{line}\n" for line in (*(row.get("test_imports") or []), *imports_of(row["code"])))
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
        # As evalplus asks: the text and the first assertion, as a docstring.
        native=f'"""\n{row["prompt"].strip()}\n{row["test_list"][0].strip()}\n"""\n',
    )


def _uses(test: str, setup: str) -> bool:
    """Whether a test mentions a name that its setup imports."""
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(parse_foreign(setup))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return any(isinstance(node, ast.Name) and node.id in imported for node in ast.walk(parse_foreign(test)))


BENCHMARK = Benchmark(
    "mbpp",
    lambda _: [problem for problem in load_mbpp() if problem.split != "train"],
    files=(MBPP_FILE,),
    has_dev=True,
)
