"""LiveCodeBench's test output prediction: rows in its published format, written for these tests."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.benchmarks.base import Selection
from tasks.benchmarks.outputs import FILES, load_outputs, predicted
from tasks.benchmarks.reference import reference_records
from tasks.benchmarks.registry import load_benchmark
from tasks.core import literals, values
from tasks.core.errors import FlywheelError
from tasks.core.records import Problem, Sample
from tasks.core.rows import ProblemScore
from tasks.core.statistics import bootstrap
from tasks.evaluation.metrics import compare, summarise
from tasks.evaluation.scoring import score_problem
from tasks.execution.problem_data import join_by_problem
from tasks.execution.step import programs_of
from tasks.generation import prompts
from tasks.generation.sampling import parse_samples, requests_of
from tasks.models.chat_format import Kind
from tasks.settings.evaluation import EvaluationSettings
from tasks.settings.sampling import SamplingSettings
from tests.support.formats import demo_format

SETTINGS = SamplingSettings(format="smollm-demo", solutions=3, suites=2)


def row(question: str, number: int, text: str, output: str, day: object = "2024-01-20T00:00:00") -> Any:
    test = {"input": text, "output": output, "testtype": "functional"}
    return {
        "question_title": "pair",
        "question_content": "Return the two numbers, the smaller one first.",
        "question_id": question,
        "contest_id": "c",
        "test_id": number,
        "contest_date": day,
        "starter_code": "class Solution:\n    def pair(self, xs: List[int], k: int) -> List[int]:\n        ",
        "function_name": "pair",
        "difficulty": "easy",
        "test": json.dumps([test]),
    }


ROWS = [
    row("7", 0, "[2, 1]\n0", "[1, 2]"),
    row("7", 1, "[3, 3]\n1", "[3, 3]"),
    row("8", 0, "[9, 4]\n1", "[4, 9]", "2023-06-01"),
]


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    (tmp_path / FILES[0]).write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    return load_outputs()


def test_a_row_becomes_a_problem_of_its_question(problems: list[Problem]) -> None:
    assert [problem.problem_id.partition("/")[2] for problem in problems] == ["7/0", "7/1", "8/0"]
    assert problems[0].parent == problems[1].parent != problems[2].parent
    (case,) = problems[0].gold_cases
    assert case.source == "assert pair([2, 1], 0) =="
    assert case.call is not None
    assert values.decode(case.call.arguments) == [[[2, 1], 0], {}]
    assert values.decode(case.expected) == [1, 2]
    assert (problems[0].signature, problems[0].split) == ("def pair(xs, k):", "test")


@pytest.mark.parametrize("day", ["2023-06-01T00:00:00", "2023-06-01", 1685577600000])
def test_the_window_reads_every_form_of_a_date(
    day: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    rows = [*ROWS[:2], row("8", 0, "[9, 4]\n1", "[4, 9]", day)]
    (tmp_path / FILES[0]).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(load_benchmark("livecodebench-output", Selection(first="2023-06-02"))) == 2
    assert len(load_benchmark("livecodebench-output", Selection(last="2023-06-01"))) == 1
    with pytest.raises(FlywheelError, match="widen the window"):
        load_outputs("2025-01-01")


def test_a_date_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    for day, words in (("soon", "'soon' is no date"), (10**30, "contest_date 1000.* is no time")):
        (tmp_path / FILES[0]).write_text(json.dumps(row("8", 0, "[9, 4]\n1", "[4, 9]", day)))
        with pytest.raises(FlywheelError, match=words):
            load_outputs()


def test_a_bad_row_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    for change in ({"test": "[]"}, {"test": "no"}, {"function_name": "other"}, {"starter_code": "def ("}):
        (tmp_path / FILES[0]).write_text(json.dumps({**ROWS[0], **change}))
        with pytest.raises(FlywheelError, match=r"problem 7 cannot be read .*fetch the file again"):
            load_outputs()


def test_the_model_is_shown_the_input_and_asked_for_one_line(problems: list[Problem]) -> None:
    (asked,) = requests_of(problems[0], SETTINGS, 0, demo_format())
    assert (asked.role, asked.request.n) == ("verifier", 2)
    assert asked.request.prompt.count("Test: assert pair([2, 1], 0) ==") == 1
    assert asked.request.prompt.endswith("```python\nassert pair([2, 1], 0) ==")
    assert "\n" in asked.request.stop
    assert "[1, 2]" not in asked.request.prompt


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_any_output_that_is_written_out_is_read_back(value: object) -> None:
    source = literals.to_source(value)
    for answer in (f"assert f(1) == {source}", f"Well:\n```python\nassert f(1) == {source}  # so\n```"):
        assert values.decode(predicted(answer)) == value


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("assert f(1) == 2\nassert f(5) == 6", 6),
        ("assert f(1) == 3, 'three'", 3),
        ("assert (f(1) == -3)", -3),
        ("assert f(1) == 1 == 2", 1),
        ("    assert f(1) == 2\n```\n7\n```", 7),
        ("```\n1\n```\n```Python\n[1,\n 2]\n```", [1, 2]),
        ("```python\n# assert f(1) == 1\n  assert f(1) == 4\nassert_ = 2\n```\nso", None),
        ("```python\n# assert f(1) == 1\n  assert f(1) == 4\nx = 2\n```\nso", 4),
        ("assert f(1) == 'a' and True", None),
        ("assert f(1) != 2", None),
        ("assert f(1) ==", None),
        ("assert f(1) == true", None),
        ("assert f(1) == g(1)", None),
        ("assert f(1) == __import__('os').getpid()", None),
        ("```\n1\n2\n```", None),
        ("```\n1", None),
        ("the answer is 3", None),
        ("", None),
        ("assert f(1) == " + "[" * 5000, None),
    ],
)
def test_what_counts_as_the_prediction(answer: str, value: object) -> None:
    if value is None:
        with pytest.raises(values.ValueFormatError):
            predicted(answer)
    else:
        assert values.decode(predicted(answer)) == value


def scored(problems: list[Problem], answers: dict[str, list[str]]) -> list[ProblemScore]:
    """The problems' scores when a model completes their prompts so."""
    samples = [
        Sample(f"{problem.problem_id}#{n}", problem.problem_id, "verifier", n, "", answer, "stop", 0, 3)
        for problem in problems
        for n, answer in enumerate(answers[problem.problem_id.partition("/")[2]])
    ]
    solutions, suites, dropped = parse_samples(problems, samples, SETTINGS)
    assert solutions == []
    assert len(suites) + len(dropped) == len(samples)
    assert {(row.kind, row.reason) for row in dropped} <= {("prediction", "no_output")}
    gold = reference_records(problems)[1]
    return [*map(score_problem, join_by_problem(problems, [], [*suites, *gold], samples=samples))]


def test_predictions_are_scored_and_nothing_runs(problems: list[Problem]) -> None:
    before = scored(problems, {"7/0": [" [1, 2]", " (1, 2)"], "7/1": [" [3, 3]", " soon"], "8/0": ["", " 1"]})
    assert [(r.predictions, r.predictions_correct) for r in before] == [(2, 1), (2, 1), (2, 0)]
    settings = EvaluationSettings(k=[1, 2, 4], bootstrap=500)
    table = summarise(before, settings)["livecodebench-output/test"]
    assert {name: (round(i.mean, 3), i.problems) for name, i in table.items()} == {
        "output pass@1": (0.333, 2),
        "output pass@2": (0.667, 2),
    }
    # Both tests of question 7 are drawn together or not at all.
    apart = bootstrap([0.5, 0.5, 0.0], 500, 0, [row.group for row in before])
    assert (apart.low, apart.high, apart.problems) == (0.0, 0.5, 2)
    after = [replace(row, predictions_correct=2) for row in before]
    mean = compare(before, after, settings)["livecodebench-output/test"]["output pass@1"].mean
    assert mean == pytest.approx(2 / 3)
    for problem in problems:
        assert programs_of(problem, [], reference_records([problem])[1]) == []


def test_every_style_asks_for_the_same_line(problems: list[Problem]) -> None:
    styles = [prompts.Style(kind, "body", True) for kind in get_args(Kind)]
    asked = [prompts.output_prompt(problems[0], style) for style in styles]
    assert len({prompt.prefill for prompt in asked}) == 1
    assert all("Test: assert pair([2, 1], 0) ==" in prompt.messages[-1].content for prompt in asked)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 9))
def test_values_in_groups_of_one_are_values_without_groups(data: list[float], seed: int) -> None:
    names = [f"p{number}" for number in range(len(data))]
    assert bootstrap(data, 100, seed, names) == bootstrap(data, 100, seed)
