"""Lineage, diff and compare on a real small workspace: iterations with recorded completions."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from flows.commands.compare import comparison, difference, show_comparison, show_difference
from flows.commands.lineage import opening, show_lineage
from flows.commands.runs import open_run
from flows.iteration import iteration
from tasks.core.errors import FlywheelError
from tasks.core.records import Behaviour, Solution
from tasks.core.rows import SftRow
from tasks.core.statistics import Interval
from tasks.core.tables import read_plain
from tasks.datasets.lineage import Provenance, find_row, lineage, rejected_mutant
from tasks.pipeline.workspace import Workspace
from tasks.settings.iteration import IterationSettings
from tests.support import replay


@pytest.fixture(scope="module")
def three(two_iterations: Any, tmp_path_factory: pytest.TempPathFactory) -> IterationSettings:
    """Two equal iterations and a third with two other settings, which trains nothing."""
    settings: IterationSettings = two_iterations[0]
    root = tmp_path_factory.mktemp("three") / "workspace"
    shutil.copytree(settings.workspace, root)
    agreement = settings.agreement.model_copy(update={"min_margin": 1.2})
    training = settings.training.model_copy(update={"min_rows": 1000})
    settings = settings.model_copy(update={"workspace": str(root), "iteration": 3, "agreement": agreement})
    iteration(settings.model_copy(update={"training": training}))
    return settings


def rows_of(settings: IterationSettings, number: int, table: str) -> list[dict[str, Any]]:
    workspace = Workspace(settings.workspace)
    stage = next(stage for stage in workspace.stages(number) if stage.stage == "prefer")
    return read_plain(workspace.path(stage.tables[table]))


def trained_ids(settings: IterationSettings, number: int) -> set[str]:
    workspace = Workspace(settings.workspace)
    stage = next(stage for stage in workspace.stages(number) if stage.stage == "collect")
    tables = [workspace.path(stage.tables[name]) for name in ("sft", "pairs")]
    ids = {row["row_id"] for path in tables for row in read_plain(path)}
    assert ids
    return ids


def test_every_row_leads_back_to_its_samples_and_problem(three: IterationSettings) -> None:
    workspace = Workspace(three.workspace)
    statements = {problem.problem_id: problem.statement for problem in replay.problems()}
    warm, low = three.sampling.temperature, three.sampling.low_temperature
    for table in ("sft", "pairs"):
        rows = rows_of(three, 1, table)
        assert rows
        for row in rows:
            chain = lineage(workspace, 1, row["row_id"])
            assert json.loads(json.dumps(chain["row"])) == row
            assert chain["trained_on"] == (row["row_id"] in trained_ids(three, 1))
            assert chain["problem"]["statement"] == statements[row["problem_id"]]
            assert chain["sampling"]["settings"]["temperature"] == warm
            assert chain["agreement"]["settings"]["rule"] == "consensus"
            assert [part["part"] for part in chain["parts"]] == ["chosen", "rejected"][: len(chain["parts"])]
            chosen, *rejected = chain["parts"]
            assert {case["verdict"] for case in chosen["cases"]} == {"pass"}
            for part in chain["parts"]:
                assert part["samples"]
                assert all(sample["prompt"] for sample in part["samples"])
                drawn_at = {sample["temperature"] for sample in part["samples"]}
                assert drawn_at <= ({warm, low} if row["role"] == "solver" else {warm})
            if row["role"] == "verifier":
                assert sum(dead for dead, _ in chosen["killed"].values()) > 0
            for part in rejected:
                assert "fail" in {case["verdict"] for case in part["cases"]}


def test_a_text_is_in_the_raw_sample_it_names(three: IterationSettings) -> None:
    row = next(row for row in rows_of(three, 1, "sft") if row["role"] == "solver")
    (part,) = lineage(Workspace(three.workspace), 1, row["row_id"])["parts"]
    assert part["samples"][0]["completion"].strip() == row["completion"].strip()


def test_rows_of_an_earlier_iteration_are_found_in_the_iteration_that_trained_on_them(
    three: IterationSettings,
) -> None:
    row = rows_of(three, 1, "sft")[0]
    chain = lineage(Workspace(three.workspace), 2, row["row_id"])
    assert chain["iteration"] == chain["sampled_in"] == 1
    assert chain["trained_on"] == (row["row_id"] in trained_ids(three, 2))
    # A filter that changed judges again: the row is made anew, of the same sample.
    chain = lineage(Workspace(three.workspace), 3, row["row_id"])
    assert (chain["iteration"], chain["sampled_in"], chain["table"]) == (3, 1, "prefer-of-1/sft")


def test_prefixes_are_enough_when_unique(three: IterationSettings) -> None:
    workspace = Workspace(three.workspace)
    row_id = rows_of(three, 1, "sft")[0]["row_id"]
    assert lineage(workspace, 1, row_id[:12])["row"]["row_id"] == row_id
    with pytest.raises(FlywheelError, match=r"training rows start with ''"):
        lineage(workspace, 1, "")
    with pytest.raises(FlywheelError, match="has no training row 'zzz'"):
        lineage(workspace, 1, "zzz")


def test_lineage_is_printed_for_people_and_programs(
    three: IterationSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    row = rows_of(three, 1, "pairs")[0]
    show_lineage("1", row["row_id"], three.workspace, json_output=False)
    text = capsys.readouterr().out
    assert row["chosen"].strip() in text
    fences = [block.strip("`").split("\n") for block in text.split("````")[1::2]]
    chosen = next(block for block in fences if row["chosen"].split("\n")[0] in "\n".join(block))
    # From the fence that the prompt opened: the first line of the text is a whole one.
    assert chosen[1] == "```python"
    assert chosen[2] == (row["prompt"] + row["chosen"]).rpartition("```python\n")[2].split("\n")[0]
    assert "| verdict of " in text
    assert "rule consensus: 4 of 6 samples behave alike" in text
    show_lineage(f"{three.workspace}:1", row["row_id"], "elsewhere", json_output=True)
    assert json.loads(capsys.readouterr().out)["row"]["row_id"] == row["row_id"]


def test_a_text_is_shown_from_the_beginning_of_a_line() -> None:
    assert opening("a\n```python\ndef f(x):\n   ") == "```python\ndef f(x):\n   "
    assert opening("a\n```python\nassert f(") == "```python\nassert f("
    assert opening("```python\nx\n```\nSignature: def") == "Signature: def"
    assert opening("```python\nx\n```\nanswer:\n") == ""
    assert opening("no line") == "no line"
    assert opening("") == ""


def test_diff_names_what_changed_and_nothing_else(
    three: IterationSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = [("agreement: min_margin", "1.5", "1.2"), ("training: min_rows", "2", "1000")]
    parts = difference("1", "3", three.workspace)
    assert parts["settings"] == changed
    assert parts["packages"] == []
    assert difference("1", "2", three.workspace)["settings"] == []
    assert all(rows == [] for rows in difference("2", "2", three.workspace).values())
    show_difference("1", "3", three.workspace, json_output=False)
    assert "| agreement: min_margin | 1.5 | 1.2 |" in capsys.readouterr().out
    show_difference("1", "3", three.workspace, json_output=True)
    assert json.loads(capsys.readouterr().out)["settings"] == [list(row) for row in changed]


def test_compare_pairs_by_problem_and_gives_a_verdict(
    three: IterationSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    result = comparison("base", "2", three.workspace)
    # The recording answers alike whatever the weights are.
    assert result.differences["starter/dev"]["pass@1"] == Interval(0.0, 0.0, 0.0, 4)
    assert result.verdict.startswith("No score changed beyond noise")
    show_comparison("1", "3", three.workspace, json_output=False)
    assert "| pass@1 | 50.0%" in capsys.readouterr().out
    show_comparison("1", "2", three.workspace, json_output=True)
    assert json.loads(capsys.readouterr().out)["protocol_differs"] == []


def test_runs_that_do_not_exist_are_named(three: IterationSettings, tmp_path: Path) -> None:
    with pytest.raises(FlywheelError, match="no iteration 9: 1, 2, 3 exist"):
        open_run("9", three.workspace)
    with pytest.raises(FlywheelError, match="names no iteration"):
        open_run("first", three.workspace)
    with pytest.raises(FlywheelError, match="no workspace at"):
        comparison(f"{tmp_path}/none:1", "1", three.workspace)


def test_the_mutant_that_a_suite_rejects_is_found(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    mutant = Solution("mutant/1", "p", "pass", origin="mutant", parent="s", change="constant, line 2")
    row = SftRow("r", "verifier", "p", "", "", ("suite", "sample", "s", "mutant/1"))
    with workspace.stage(1, "mutate", "k1", {}, {}) as stage:
        mutants = stage.write("mutants", Solution, [mutant])
    with workspace.stage(1, "execute-mutants", "k2", {"solutions": mutants.digest}, {}) as stage:
        behaviours = stage.write("behaviours", Behaviour, [Behaviour("mutant/1", "p", (), ())])
    inputs = {"decisions": "", "mutant_behaviours": behaviours.digest}
    with workspace.stage(1, "prefer", "k3", inputs, {}) as stage:
        stage.write("sft", SftRow, [row])
    provenance = Provenance(workspace)
    found, table = find_row(provenance, 1, "r")
    assert rejected_mutant(provenance, found, table) == asdict(mutant)
    assert rejected_mutant(provenance, replace(row, sources=("suite", "s")), table) is None
