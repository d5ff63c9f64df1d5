"""The benchmark that is written for this project and shipped with it: half A is dev, half B is test."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from tasks.benchmarks.base import Benchmark
from tasks.core.records import Problem

HALVES = {"A": "dev", "B": "test"}


def load_starter() -> list[Problem]:
    """The shipped benchmark."""
    text = resources.files("tasks.data").joinpath("starter.jsonl").read_text(encoding="utf-8")
    return [_problem(json.loads(line)) for line in text.splitlines()]


def _problem(row: dict[str, Any]) -> Problem:
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


BENCHMARK = Benchmark("starter", lambda _: load_starter(), is_packaged=lambda: True, has_dev=True)
