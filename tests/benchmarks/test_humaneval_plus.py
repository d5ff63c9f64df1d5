"""HumanEval+: problems of HumanEval as evalplus publishes them, here with inputs made up for these tests."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.benchmarks.evalplus import HUMANEVAL_PLUS_FILES, agrees, load_humaneval_plus
from tasks.benchmarks.files import read_rows
from tasks.benchmarks.humaneval import packaged_file
from tasks.benchmarks.reference import reference_records
from tasks.benchmarks.registry import load_benchmark
from tasks.core import values
from tasks.core.errors import FlywheelError
from tasks.core.records import Case, Problem, Sample, Solution
from tasks.core.rows import ProblemScore
from tasks.evaluation.metrics import compare, summarise
from tasks.evaluation.reference_runs import with_gold
from tasks.evaluation.scoring import score_problem
from tasks.execution.determinism import SandboxPair
from tasks.execution.problem_data import join_by_problem
from tasks.execution.step import execute_shard
from tasks.settings.evaluation import EvaluationSettings
from tasks.settings.sandbox import SandboxSettings
from tasks.testcode.suites import make_call

# task -> base inputs, plus inputs, absolute tolerance
INPUTS: dict[str, tuple[list[Any], list[Any], float]] = {
    "HumanEval/0": ([[[1.0, 2.0], 0.5], [[1.0, 1.1], 0.3]], [[[], 1.0], [[3.0, 3.0], 0.0]], 0),
    "HumanEval/2": ([[3.5], [1.25]], [[0.999], [100.0]], 1e-6),
    "HumanEval/32": ([[[1, 2]], [[-6, 11, -6, 1]]], [[[10, -1]]], 1e-4),
    "HumanEval/38": ([["bca"], ["fedihg"]], [["ab"], [""]], 0),
}


def write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = packaged_file()
    assert packaged is not None
    rows = [
        {
            **{name: row[name] for name in ("task_id", "prompt", "entry_point", "canonical_solution")},
            "contract": "",
            "base_input": base,
            "plus_input": plus,
            "atol": tolerance,
        }
        for row in read_rows(packaged)
        if row["task_id"] in INPUTS
        for base, plus, tolerance in [INPUTS[row["task_id"]]]
    ]
    with gzip.open(folder / HUMANEVAL_PLUS_FILES[1], "wt") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(folder))


def sampled(problem: Problem, number: int, code: str) -> Solution:
    return Solution(f"{problem.problem_id}#{number}", problem.problem_id, problem.preamble + code)


def scored(seeds: SandboxPair, problems: list[Problem], codes: dict[str, list[str]]) -> list[ProblemScore]:
    """The problems' scores when a model has written these codes (by entry point), each run once."""
    golds, suites = reference_records(problems)
    samples = {
        problem.problem_id: [
            sampled(problem, number, code) for number, code in enumerate(codes[problem.entry_point])
        ]
        for problem in problems
    }
    solutions = [*golds, *(solution for own in samples.values() for solution in own)]
    drawn = [
        Sample(s.solution_id, key, "solver", 0, "", "", "", 0, 0) for key, own in samples.items() for s in own
    ]
    behaviours = execute_shard(seeds, join_by_problem(problems, solutions, suites))
    return [*map(score_problem, join_by_problem(problems, solutions, suites, behaviours, drawn))]


def test_base_and_both_are_told_apart_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: SandboxPair
) -> None:
    write(tmp_path, monkeypatch)
    problems, _ = with_gold(load_benchmark("humaneval-plus"), SandboxSettings())
    assert [problem.problem_id for problem in problems] == [
        f"humaneval-plus/{number}" for number in (0, 2, 32, 38)
    ]
    assert [values.decode(case.expected) for case in problems[0].gold_cases] == [False, True, False, False]
    codes = {
        "has_close_elements": [
            problems[0].gold_solution.removeprefix(problems[0].preamble),
            # Right but for an empty list.
            "def has_close_elements(xs, t):\n    xs = sorted(xs)\n    return xs[1] - xs[0] < t\n",
            "def has_close_elements(xs, t):\n    return False\n",
        ],
        # Within the tolerance; too coarse for one of the plus inputs; wrong.
        "truncate_number": [
            "def truncate_number(n):\n    return n % 1 + 5e-7\n",
            "def truncate_number(n):\n    return round(n % 1, 2)\n",
            "def truncate_number(n):\n    return 0.5\n",
        ],
        # Another root is a root; one that solves lines alone.
        "find_zero": [
            "def find_zero(xs):\n    return {2: -xs[0] / xs[1], 4: 3.0}[len(xs)]\n",
            "def find_zero(xs):\n    return -0.5 if xs[0] == 1 else 2\n",
            "def find_zero(xs):\n    return -xs[0] / xs[1]\n",
        ],
        # The helper of the prompt is at hand; the short rests are turned as well; nothing is done.
        "decode_cyclic": [
            "def decode_cyclic(s):\n    return encode_cyclic(encode_cyclic(s))\n",
            "def decode_cyclic(s):\n    return ''.join(s[i:i + 3][-1:] + s[i:i + 3][:-1] "
            "for i in range(0, len(s), 3))\n",
            "def decode_cyclic(s):\n    return s\n",
        ],
    }
    rows = scored(seeds, problems, codes)
    assert [(row.solutions_correct_base, row.solutions_correct) for row in rows] == [(2, 1)] * 4
    settings = EvaluationSettings(k=[1, 2], bootstrap=100)
    table = {name: i.mean for name, i in summarise(rows, settings)["humaneval-plus/test"].items()}
    assert {name: round(mean, 3) for name, mean in table.items() if name.startswith("pass@")} == {
        "pass@1 base": 0.667,
        "pass@2 base": 1.0,
        "pass@1 base+plus": 0.333,
        "pass@2 base+plus": 0.667,
    }
    better = [replace(row, solutions_correct=2) for row in rows]
    changed = compare(rows, better, settings)["humaneval-plus/test"]
    assert changed["pass@1 base"].mean == 0
    assert changed["pass@1 base+plus"].mean == pytest.approx(1 / 3)


@given(st.floats(-50, 50), st.floats(0.5, 5), st.floats(-1, 1))
def test_any_root_within_the_tolerance_will_do(constant: float, slope: float, error: float) -> None:
    case = Case("plus", make_call("find_zero", [[constant, slope]]), rule="evalplus", tolerance=1e-4)
    root = -constant / slope
    assert agrees(root, 12345.0, case)
    assert agrees(root + error, root, case) == (abs(constant + slope * (root + error)) <= 1e-4)
    assert not agrees(None, root, case)


def test_a_missing_or_wrong_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    with pytest.raises(FlywheelError, match=r"humaneval-plus needs the file HumanEvalPlus\.jsonl or "):
        load_humaneval_plus()
    write(tmp_path, monkeypatch)
    row = read_rows(tmp_path / HUMANEVAL_PLUS_FILES[1])[0]
    for change, words in (
        ({"entry_point": "absent"}, "its prompt defines no absent"),
        ({"plus_input": 3}, "cannot be read"),
        ({"atol": "much"}, "cannot be read"),
    ):
        (tmp_path / HUMANEVAL_PLUS_FILES[0]).write_text(json.dumps({**row, **change}))
        with pytest.raises(FlywheelError, match=rf"task HumanEval/0 .*{words}"):
            load_humaneval_plus()
