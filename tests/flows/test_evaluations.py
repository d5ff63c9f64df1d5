"""Evaluations of named models: what is scored, what is kept, and what finds it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.commands.compare import comparison
from flows.commands.listing import show_list
from flows.commands.show import show_report, show_table
from flows.evaluation import evaluation
from flows.runtime.evaluations import EvaluationRecord, model_named, settings_for
from tasks.core.errors import FlywheelError
from tasks.core.statistics import Interval
from tasks.pipeline.finished import finished
from tasks.pipeline.workspace import Workspace
from tasks.settings.iteration import IterationSettings
from tests.flows.test_campaign import history


@pytest.fixture(scope="module")
def root(two_iterations: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(
        shutil.copytree(two_iterations[0].workspace, tmp_path_factory.mktemp("evaluated") / "workspace")
    )


@pytest.fixture(scope="module")
def settings(two_iterations: Any, root: str) -> IterationSettings:
    settings: IterationSettings = two_iterations[0]
    return settings.model_copy(update={"workspace": root})


@pytest.fixture(scope="module")
def records(settings: IterationSettings) -> dict[str, EvaluationRecord]:
    """The model of iteration 1, the champion, and the first again."""
    names = {"1": "1", "champion": "champion", "again": "1"}
    return {key: evaluation(settings_for(name, settings, ())) for key, name in names.items()}


def test_an_iterations_model_and_the_champion_are_evaluated_by_name(
    records: dict[str, EvaluationRecord], root: str
) -> None:
    result = finished(Workspace(root), 1)
    assert result
    assert records["1"].title == "the model of iteration 1"
    assert records["1"].model == result.candidate.digest
    # Both iterations were held.
    assert records["champion"].title == "the base model (champion)"
    assert records["champion"].model == result.base_digest
    assert records["1"].scores["starter/dev"]["pass@1"].problems == 4


def test_an_evaluation_is_kept_once_and_show_finds_it(
    records: dict[str, EvaluationRecord], root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [records[key].number for key in ("1", "champion", "again")] == [1, 2, 1]
    assert records["again"].when == records["1"].when
    show_report("e1", root, json_output=False)
    text = capsys.readouterr().out
    assert text.startswith("# Scores of the model of iteration 1 (evaluation e1)")
    assert "| pass@1 | 50.0% |" in text
    assert "| score-evaluation/scores | 8 |" in text
    show_report("e1", root, json_output=True)
    shown = EvaluationRecord.model_validate(json.loads(capsys.readouterr().out)["report"])
    assert shown == records["1"]
    show_table("e2", root, "scores", None, json_output=True)
    assert len(capsys.readouterr().out.splitlines()) == 8
    with pytest.raises(FlywheelError, match="there is no evaluation e9: e1, e2 exist"):
        show_report("e9", root, json_output=False)
    with pytest.raises(FlywheelError, match="evaluation e1 has no table 'x': "):
        show_table("e1", root, "x", None, json_output=False)


def test_an_evaluation_is_compared_with_iterations(records: dict[str, EvaluationRecord], root: str) -> None:
    result = comparison("base", "e1", root)
    assert result.differences["starter/dev"]["pass@1"] == Interval(0.0, 0.0, 0.0, 4)
    assert result.protocol_differs == []


def test_the_list_names_iterations_and_evaluations(
    records: dict[str, EvaluationRecord], root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_list(root, json_output=True)
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["state"], row["decision"]) for row in rows] == [
        ("1", "finished", "hold"),
        ("2", "finished", "hold"),
        ("e1", "evaluation", ""),
        ("e2", "evaluation", ""),
    ]
    assert all(row["when"].startswith("20") for row in rows)
    show_list(root, json_output=False)
    text = capsys.readouterr().out
    assert "| pass@1, starter/dev |" in text
    assert "| 1 | finished | hold |" in text
    assert "| e1 | evaluation |  |" in text
    assert "The champion is the base model." in text


def test_an_unfinished_iteration_is_listed_as_running_while_its_workspace_is_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(tmp_path / "w")
    show_list(str(workspace.root), json_output=False)
    assert "holds nothing yet" in capsys.readouterr().out
    with workspace.stage(1, "propose", "key", {}, {}):
        pass
    show_list(str(workspace.root), json_output=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["state"], row["decision"]) == ("unfinished", "after 1 stages: propose")
    with workspace.lock("an iteration"):
        show_list(str(workspace.root), json_output=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert row["state"] == "running"


def test_a_name_means_the_candidate_of_an_iteration_or_the_last_that_was_promoted(tmp_path: Path) -> None:
    workspace = history(tmp_path / "w", ["promote", "hold", "promote", "hold"])
    root = str(workspace.root)
    for number in (2, 3, 4):
        (workspace.root / f"m{number}").mkdir()
    with pytest.raises(FlywheelError, match=r"iteration 1 is not in .* any more: training\.keep_models"):
        model_named("1", root)
    assert model_named("2", root) == (f"{root}/m2", 2)
    assert model_named("0", root) == (f"{root}/m4", 4)
    assert model_named("champion", root) == (f"{root}/m3", 3)
    assert model_named(f"{root}:champion", "elsewhere") == (f"{root}/m3", 3)
    for name in ("someone/model", "./2", ""):
        assert model_named(name, root) == (name, 0)
    with pytest.raises(FlywheelError, match=r"no finished iteration 9 in .* \(1, 2, 3, 4 are\)"):
        model_named("9", root)
    with pytest.raises(FlywheelError, match="has no champion yet"):
        model_named("champion", str(Workspace(tmp_path / "new").root))


def test_an_iterations_model_is_scored_as_the_iteration_was_unless_settings_are_named(
    settings: IterationSettings, root: str
) -> None:
    other = IterationSettings(workspace=root)
    found = settings_for("1", other, ("evaluation.solutions=5",))
    assert found.evaluation == settings.evaluation.model_copy(update={"solutions": 5})
    assert found.sampling == settings.sampling
    assert Path(found.model.name).is_dir()
    assert settings_for("1", other, None).evaluation == other.evaluation
    assert settings_for("someone/model", other, ()).model.name == "someone/model"
