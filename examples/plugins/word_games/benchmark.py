"""A benchmark of your own: where its problems come from, and what each of them is."""

import json
from importlib import resources

from tasks.benchmarks.base import Benchmark, Selection
from tasks.core.records import Problem

NAME = "word-games"


def load(selection: Selection) -> list[Problem]:
    """All problems; they have no dates, so that nothing is selected."""
    text = resources.files("word_games").joinpath("problems.jsonl").read_text(encoding="utf-8")
    return [
        Problem(
            problem_id=f"{NAME}/{row['id']}",
            statement=row["text"],
            entry_point=row["function"],
            signature=row["signature"],
            source=NAME,
            split=row["split"],
            gold_solution=row["solution"],
            gold_suite=tuple(row["tests"]),
        )
        for row in map(json.loads, text.splitlines())
    ]


BENCHMARK = Benchmark(NAME, load, is_packaged=lambda: True, has_dev=True)
