"""The report is one typed object: every field is described, and JSON gives back what was written."""

from __future__ import annotations

import json
from math import isnan, nan
from pathlib import Path
from typing import Any

import pytest

from flows.commands.listing import Listed
from flows.reports.campaign_report import CampaignEntry, CampaignReport, entry_of, read_campaign
from flows.reports.report import IterationStages, Report, report_in
from flows.runtime.evaluations import EvaluationRecord
from tasks.core.errors import FlywheelError
from tasks.datasets.collection import PairLengths, RowStatistics
from tasks.generation.sampling import FormatStatistics
from tasks.pipeline.finished import SCHEMA_VERSION, Asked, finished
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import KINDS, Figures
from tasks.pipeline.workspace import Workspace
from tasks.training.step import TrainingStatistics
from tests.support.reports import report


def test_every_field_is_described_in_a_sentence() -> None:
    models: list[type[Figures]] = [Report, IterationStages, CampaignReport, CampaignEntry, EvaluationRecord]
    models += [Asked, Listed, RowStatistics, PairLengths, FormatStatistics]
    models += [KINDS[name] for name in StageName]
    undescribed = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if name != "kind" and not (field.description or "").endswith((".", "`)."))
    ]
    assert undescribed == []


def test_every_step_has_statistics_of_its_kind_and_every_stage_those_of_its_step() -> None:
    assert {*map(str, StageName)} <= KINDS.keys()
    for name, field in IterationStages.model_fields.items():
        stage = field.alias or ""
        step = max((step for step in StageName if f"{stage}-".startswith(f"{step}-")), key=len)
        assert stage == name.replace("_", "-")
        assert KINDS[step] in (field.annotation, *getattr(field.annotation, "__args__", ()))


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    broken = TrainingStatistics(rows_used=3, loss_last=nan, losses=((1, 2.5), (2, nan)))
    told = report(stages={"train_sft": broken})
    workspace = Workspace(tmp_path / "w")
    workspace.finish(1, told)
    read = report_in(workspace, 1)
    assert read is not None
    trained = read.stages.train_sft
    assert trained.loss_last is not None
    assert isnan(trained.loss_last)
    assert trained.losses is not None
    assert (trained.losses[0], trained.losses[1][0]) == ((1, 2.5), 2)
    assert read.model_dump_json() == told.model_dump_json()
    file = workspace.iteration_folder(1) / "report.json"
    assert Report.model_validate_json(file.read_text()).model_dump_json() == told.model_dump_json()
    assert json.loads(file.read_text())["stages"]["train-dpo"]["kind"] == "train"


def test_a_finished_iterations_report_is_in_its_folder(two_iterations: Any) -> None:
    settings, campaign = two_iterations
    workspace = Workspace(settings.workspace)
    # Another test may have run the same iteration again: what it was computed in is not compared.
    again = {"flow_run_id": ""}
    for number, entry in enumerate(campaign.iterations, 1):
        told = report_in(workspace, number)
        assert told is not None
        text = (workspace.iteration_folder(number) / "report.json").read_text()
        assert Report.model_validate_json(text) == told
        assert entry_of(told).model_copy(update=again) == entry.model_copy(update=again)
    path = Path(campaign.folder) / "report.json"
    assert read_campaign(path).model_dump(mode="json") == json.loads(path.read_text())


@pytest.mark.parametrize("read", [finished, report_in])
def test_a_report_of_a_later_version_is_refused_in_one_sentence(read: Any, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.finish(1, report().model_copy(update={"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(FlywheelError, match=r"schema_version 2, this program reads up to 1: use the"):
        read(workspace, 1)


def test_a_damaged_report_is_refused_in_one_sentence(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.finish(1, report())
    path = workspace.iteration_folder(1) / "manifest.json"
    content = json.loads(path.read_text())
    content["finished"]["stages"]["agree"]["kept"] = "many"
    path.write_text(json.dumps(content))
    with pytest.raises(FlywheelError, match=r"is damaged: stages\.agree\.kept: "):
        report_in(workspace, 1)
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(FlywheelError, match="is no report of a campaign"):
        read_campaign(tmp_path / "report.json")


def test_a_stage_has_the_figures_of_its_step_and_no_others(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    for name, statistics in (("train-sft", TrainingStatistics(rows_used=1)), ("train-dpo", None)):
        with workspace.stage(1, name, name, {}, {}) as stage:
            stage.statistics = statistics
    sft, dpo = workspace.stages(1)
    assert sft.statistics_as(TrainingStatistics) == TrainingStatistics(rows_used=1)
    with pytest.raises(FlywheelError, match="the stored figures of train-sft are none of this version"):
        sft.statistics_as(KINDS[StageName.AGREE])
    with pytest.raises(FlywheelError, match="the stored figures of train-dpo are none of this version"):
        dpo.statistics_as(TrainingStatistics)
