"""Exports that others can use: the data set loads by its card, the model loads, both say what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.commands.export import export, pass_matrix
from flows.reports.cards import licence_of
from tasks.core.errors import FlywheelError
from tasks.execution.problem_data import join_by_problem
from tasks.models.resolve import model_digest
from tasks.pipeline.workspace import Workspace
from tests.support.factories import PROBLEM, behaviour_of, solution, suite


def test_an_export_loads_as_data_set_and_model(two_iterations: Any, tmp_path: Path) -> None:
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings, report = two_iterations
    said = export("1", str(tmp_path / "out"), settings.workspace)
    assert said == f"data set and model in {tmp_path / 'out'}"
    folder = str(tmp_path / "out" / "dataset")
    loaded = {
        name: load_dataset(folder, name, cache_dir=str(tmp_path / "cache"))["train"]
        for name in ("sft", "preferences", "problems", "pass_matrix")
    }
    entry = report.iterations[0]
    assert len(loaded["preferences"]) + len(loaded["sft"]) > 0
    assert len(loaded["problems"]) == entry.problems
    assert not {"gold_solution", "gold_suite", "wrong_solutions"} & set(loaded["problems"].column_names)
    first = loaded["pass_matrix"][0]
    assert len(first["cases"]) == len(first["verdicts"]) > 0
    assert first["passed"] == (set(first["verdicts"]) == {"pass"})
    assert {True, False} == set(loaded["pass_matrix"]["passed"])
    model = tmp_path / "out" / "model"
    assert AutoModelForCausalLM.from_pretrained(model).num_parameters() > 0
    assert AutoTokenizer.from_pretrained(model).eos_token
    assert model_digest(model) == entry.candidate.digest
    card = (model / "README.md").read_text()
    for words in (
        "license: other",
        "- Written by: the base model",
        "Rule `consensus`",
        "| starter/test, 4 problems |",
        "at temperature",
        "Decision of the gate",
    ):
        assert words in card
    with pytest.raises(FlywheelError, match="is not empty"):
        export("1", str(tmp_path / "out"), settings.workspace)


def test_a_hub_that_is_out_of_reach_or_unknown_to_us_is_one_sentence(
    two_iterations: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = two_iterations[0].workspace
    with pytest.raises(FlywheelError, match="write it as hub:USER/NAME"):
        export("1", "hub:name", root)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FlywheelError, match="the hub is out of reach"):
        export("1", "hub:someone/name", root)
    assert not (Workspace(root).root / "exports").exists()


def test_the_pass_matrix_says_what_each_program_does_on_each_suite() -> None:
    right = solution("right", "def add(a, b):\n    return a + b")
    wrong = solution("wrong", "def add(a, b):\n    return a * b")
    suites = [
        suite("s", "assert add(1, 2) == 3", "assert add(2, 2) == 4"),
        suite("g", "assert add(0, 1) == 1", origin="gold"),
    ]
    behaviours = [behaviour_of(one, suites) for one in (right, wrong)]
    rows = pass_matrix(join_by_problem([PROBLEM], [right, wrong], suites, behaviours))
    assert [(row["solution_id"], row["suite_id"], row["verdicts"], row["passed"]) for row in rows] == [
        ("right", "s", ["pass", "pass"], True),
        ("wrong", "s", ["fail", "pass"], False),
    ]


def test_licences_come_from_the_base_models_card(tmp_path: Path) -> None:
    assert licence_of("someone/model", tmp_path) == "other"
    assert licence_of("HuggingFaceTB/SmolLM2-135M-Instruct", tmp_path) == "apache-2.0"
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\nlicense: gpl\n")
    assert licence_of("HuggingFaceTB/SmolLM2-135M-Instruct", tmp_path) == "mit"
