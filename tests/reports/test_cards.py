"""Cards fit to publish: huggingface_hub reads their metadata, nothing in an export is left undescribed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.commands.export import export
from flows.commands.runs import open_run
from flows.reports.card_words import AUDIT, FIELDS, SUBSETS, metric_words
from flows.reports.report import Report
from tasks.core.records import Problem
from tasks.evaluation.metrics import metrics
from tasks.filtering.audit import ROWS
from tasks.generation.prompts import solver_prompt, verifier_prompt
from tests.support.formats import demo_text

SECTIONS = ("Intended use", "Filter", "Limits", "Licence", "Method")


@pytest.fixture(scope="module")
def exported(two_iterations: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The folder that the first iteration was exported to, and its report."""
    folder = tmp_path_factory.mktemp("cards") / "out"
    export("1", str(folder), two_iterations[0].workspace)
    report = open_run("1", two_iterations[0].workspace).report
    assert report
    return folder, report


def headings(card: str) -> set[str]:
    return set(re.findall(r"^## (.+)$", card, re.M))


def test_every_column_is_described_and_nothing_else(exported: tuple[Path, Report]) -> None:
    card = (exported[0] / "dataset" / "README.md").read_text()
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", card, re.M | re.S))
    for path in (exported[0] / "dataset" / "data").glob("*/*.parquet"):
        described = re.findall(r"^\| `(\w+)` \|", sections[path.parent.name], re.M)
        assert described == pq.read_schema(path).names == [*FIELDS[path.parent.name]]
    assert set(sections) == set(SUBSETS) == set(FIELDS)
    assert headings(card) == {*SECTIONS, "Fields", "Lineage"}


def test_the_metadata_of_the_data_set_is_what_the_hub_reads(exported: tuple[Path, Report]) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(exported[0] / "dataset" / "README.md")
    data = card.data.to_dict()
    assert data["task_categories"] == ["text-generation"]
    assert data["size_categories"] == ["n<1K"]
    assert (data["license"], data["license_name"]) == ("other", "that-of-the-base-model")
    files = {part["path"] for config in data["configs"] for part in config["data_files"]}
    there = {
        str(path.relative_to(exported[0] / "dataset"))
        for path in (exported[0] / "dataset").rglob("*.parquet")
    }
    assert files == there


def test_the_metadata_of_the_model_has_its_scores(exported: tuple[Path, Report]) -> None:
    """Read back by huggingface_hub, which refuses a list of results that it does not understand."""
    from huggingface_hub import ModelCard

    card = ModelCard.load(exported[0] / "model" / "README.md", ignore_metadata_errors=False)
    found = {
        (result.dataset_name, result.dataset_split, result.metric_name): result.metric_value
        for result in card.data.eval_results or []
    }
    assert found == {
        (*benchmark.split("/"), metric): pytest.approx(score.mean, abs=1e-6)
        for benchmark, part in exported[1].after.items()
        for metric, score in part.items()
    }
    # The tiny model's folder is no name of the hub.
    assert card.data.base_model is None
    assert headings(card.text) == {*SECTIONS, "How to prompt", "Training", "Evaluation"}


def test_all_that_is_measured_is_defined(exported: tuple[Path, Report]) -> None:
    card = (exported[0] / "model" / "README.md").read_text()
    for metric in exported[1].after["starter/dev"]:
        assert f"| {metric} | {metric_words(metric)} |" in card
    assert all(metric_words(metric) for metric in metrics([1, 10]))
    assert set(AUDIT) == set(ROWS)


def test_the_prompts_in_the_card_are_those_of_the_training(
    exported: tuple[Path, Report], two_iterations: Any
) -> None:
    card = (exported[0] / "model" / "README.md").read_text()
    statement = "Write a function that returns the larger of two numbers."
    problem = Problem("", statement, "larger", "def larger(a, b):", "")
    solver = demo_text(solver_prompt(problem))
    assert f"\n````text\n{solver}\n````\n" in card
    assert demo_text(verifier_prompt(problem, two_iterations[0].sampling.cases_per_suite)) in card
    rows = pq.read_table(exported[0] / "dataset" / "data" / "sft" / "train.parquet").to_pylist()
    worked = solver.partition(statement)[0]
    assert all(row["prompt"].startswith(worked) for row in rows if row["role"] == "solver")


def test_the_code_in_the_card_runs(exported: tuple[Path, Report]) -> None:
    card = (exported[0] / "model" / "README.md").read_text()
    (code,) = re.findall(r"^````python\n(.*?)^````", card, re.M | re.S)
    short = re.sub(r"max_new_tokens=\d+", "max_new_tokens=4", code)
    done = subprocess.run(
        [sys.executable, "-c", short],
        cwd=exported[0] / "model",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "def larger(a, b):" in done.stdout
    assert json.loads(re.findall(r"stop_strings=(\[.*?\]), ", code)[0])
