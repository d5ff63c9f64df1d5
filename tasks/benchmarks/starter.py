"""The benchmark that is written for this project and shipped with it: half A is dev, half B is test."""

from __future__ import annotations

from importlib import resources
from typing import Literal

from tasks.benchmarks.base import Benchmark
from tasks.core.jsonl import Row, Text, read_objects, row_of
from tasks.core.records import Problem

HALVES = {"A": "dev", "B": "test"}


class StarterLine(Row):
    """A line of the shipped file."""

    problem_id: Text
    half: Literal["A", "B"]
    statement: Text
    entry_point: Text
    signature: Text
    gold_solution: Text
    gold_suite: list[str]
    wrong_solutions: list[str]


def load_starter() -> list[Problem]:
    """The shipped benchmark."""
    with resources.as_file(resources.files("tasks.data") / "starter.jsonl") as path:
        return [_problem(row_of(StarterLine, row, where)) for where, row in read_objects(path)]


def _problem(line: StarterLine) -> Problem:
    return Problem(
        problem_id=line.problem_id,
        statement=line.statement,
        entry_point=line.entry_point,
        signature=line.signature,
        source="starter",
        split=HALVES[line.half],
        gold_solution=line.gold_solution,
        gold_suite=tuple(line.gold_suite),
        wrong_solutions=tuple(line.wrong_solutions),
    )


BENCHMARK = Benchmark("starter", lambda _: load_starter(), is_packaged=lambda: True, has_dev=True)
