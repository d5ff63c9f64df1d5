"""Workspaces of before names were changed: tables, manifests and evaluations are read by today's names."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.runtime.evaluations import evaluations_of
from tasks.core.records import Sample, Solution
from tasks.core.rows import Decision, Pair, ProblemScore, SftRow
from tasks.core.statistics import Interval, Share
from tasks.core.tables import read_plain, read_table, write_table
from tasks.evaluation.scoring import ScoreStatistics
from tasks.pipeline.workspace import Workspace

SCORE = ProblemScore("p/1", "starter", "dev", 4, 1, 3, 2, 2, 1, 1, 8, 4, 7, 3)
# A record with the renamed field set, and the column that has always held it.
ROWS: dict[str, tuple[Any, str, str]] = {
    "sample": (
        Sample("s", "p/1", "solver", 0, "", "", "stop", 1, 2, of_reference=True),
        "of_reference",
        "witness",
    ),
    "solution": (Solution("s", "p/1", "", of_reference=True), "of_reference", "witness"),
    "sft": (SftRow("r", "solver", "p/1", "", "", recombined=True), "recombined", "assembled"),
    "pair": (Pair("r", "solver", "p/1", "", "", "", "", recombined=True), "recombined", "assembled"),
    "score": (SCORE, "suites_strong", "suites_headline"),
    "cases": (dataclasses.replace(SCORE, cases_non_boolean=5), "cases_non_boolean", "cases_typed"),
    "right": (
        dataclasses.replace(SCORE, cases_non_boolean_correct=4),
        "cases_non_boolean_correct",
        "cases_typed_correct",
    ),
    "decision": (
        Decision("p/1", True, "", 4, 3, 2, 1.0, 1.0, reference_agreeing=2),
        "reference_agreeing",
        "witnesses",
    ),
}


@pytest.mark.parametrize(("row", "name", "column"), ROWS.values(), ids=ROWS)
def test_a_renamed_field_keeps_its_column(row: Any, name: str, column: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_table(path, type(row), [row, row])
    table = pq.read_table(path)
    assert column in table.column_names
    assert name not in table.column_names
    assert table.column_names.index(column) == [f.name for f in dataclasses.fields(row)].index(name)
    assert table[column].to_pylist() == [getattr(row, name)] * 2
    assert read_table(path, type(row)) == [row, row]
    assert [plain[name] for plain in read_plain(path)] == [getattr(row, name)] * 2


def test_a_stored_manifest_is_read_by_todays_keys(tmp_path: Path) -> None:
    scores = {"starter/dev": {"tests headline": [0.1, 0, 1, 9], "true positives": [0.2, 0, 1, 9]}}
    prefer = {"mutants_told_apart": 3, "assembled": 2}
    old = {
        "stages": {
            "k": {
                "stage": "score-before",
                "key": "k",
                "tables": {},
                "models": {},
                "facts": {"scores": scores},
                "inputs": {"witness": "a", "witness_samples": "b"},
                "settings": {"witnessed": True, "mixed": [2, 4], "witness_share": 0.7, "history": 8},
            }
        },
        "finished": {"stages": {"prefer": prefer}, "differences": scores},
    }
    workspace = Workspace(tmp_path / "w")
    folder = workspace.iteration_folder(1)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(old))
    (stage,) = workspace.stages(1)
    renamed = {
        "strong-suite rate": Interval(0.1, 0, 1, 9),
        "suite soundness": Interval(0.2, 0, 1, 9),
    }
    assert stage.statistics_as(ScoreStatistics) == ScoreStatistics(audit={}, scores={"starter/dev": renamed})
    assert stage.inputs == {"reference": "a", "reference_samples": "b"}
    assert stage.settings == {
        "with_reference": True,
        "audit_samples": [2, 4],
        "reference_share": 0.7,
        "replay_iterations": 8,
    }
    finished = workspace.manifest(1)["finished"]
    assert finished["stages"]["prefer"] == {
        "kind": "prefer",
        "non_equivalent_mutants": 3,
        "recombined": 2,
    }
    assert [*finished["differences"]["starter/dev"]] == [*renamed]


def test_a_stored_evaluation_is_read_by_todays_keys(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    folder = workspace.root / "evaluations"
    folder.mkdir()
    old = {
        **dict.fromkeys(("when", "title", "name", "model", "key"), "it"),
        "stages": {"sample-evaluation-witness": "k"},
        "settings": {},
        "asked": {"solutions": 4, "suites": 1, "temperature": 0.6},
        "scores": {"mbpp/test": {"false positives": [0.1, 0, 1, 9]}},
        "audit": {"kept cases": {"right": 3, "total": 4, "share": 0.75, "low": 0.3, "high": 0.95}},
    }
    (folder / "0001.json").write_text(json.dumps(old))
    (record,) = evaluations_of(workspace)
    assert record.number == 1
    assert record.stages == {"sample-evaluation-reference": "k"}
    assert record.scores == {"mbpp/test": {"false acceptance rate": Interval(0.1, 0, 1, 9)}}
    # A count of before problems were counted is on as many as it counts.
    assert record.audit == {"kept cases": Share(3, 4, 4, 0.75, 0.3, 0.95)}
