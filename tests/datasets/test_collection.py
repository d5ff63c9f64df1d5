"""Rows over iterations: what accumulates, what is judged again, and what a roll-back leaves out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from flows.iteration import iteration
from flows.reports.report import report_in
from tasks.core.rows import Decision, SftRow
from tasks.datasets.collection import CollectionStatistics, past_iterations
from tasks.filtering.decide import FILTER_VERSION
from tasks.pipeline.workspace import ModelRef, StageResult, Workspace
from tasks.settings.rows import RowSettings


def stage_of(workspace: Workspace, number: int, name: str) -> StageResult:
    return next(stage for stage in workspace.stages(number) if stage.stage == name)


def test_rows_of_earlier_iterations_accumulate_without_repeating_themselves(two_iterations: Any) -> None:
    workspace = Workspace(two_iterations[0].workspace)
    rows = stage_of(workspace, 2, "collect").statistics_as(CollectionStatistics).sft
    kept, dropped = sum(rows.roles.values()) + rows.held_out, rows.dropped
    both = len(rows_of(workspace, 1, "prefer")) + len(rows_of(workspace, 2, "prefer"))
    assert kept + sum(dropped.values()) == both
    # The recording writes the same programs in every iteration: the newer row of each stays.
    assert dropped["says the same as a newer row"] > 0
    texts = [(row.prompt, row.completion) for row in rows_of(workspace, 2, "collect")]
    assert len(texts) == len(set(texts))


def rows_of(workspace: Workspace, number: int, stage: str) -> list[SftRow]:
    return workspace.read(stage_of(workspace, number, stage).tables["sft"], SftRow)


def test_a_rolled_back_iteration_is_left_out_unless_asked_for(two_iterations: Any, tmp_path: Path) -> None:
    workspace = Workspace(shutil.copytree(two_iterations[0].workspace, tmp_path / "workspace"))
    first, second = report_in(workspace, 1), report_in(workspace, 2)
    assert first
    assert second
    workspace.finish(1, first.model_copy(update={"decision": "roll back"}))

    base = ModelRef("base", first.base_digest, "base model")

    def numbers(**changed: Any) -> list[int]:
        return [
            past.iteration_rows.iteration
            for past in past_iterations(workspace, base, 3, RowSettings(**changed), need_reference=False)
        ]

    assert numbers() == [2]
    assert numbers(include_rolled_back=True) == [1, 2]
    assert numbers(include_rolled_back=True, replay_iterations=1) == [2]
    assert numbers(replay_iterations=0) == []
    # Another base model wrote other samples: they are not what it "wrote itself".
    other = ModelRef("base", "another", "base model")
    assert past_iterations(workspace, other, 3, RowSettings(), need_reference=False) == []
    assert all(
        past.judged_by(two_iterations[0])
        for past in past_iterations(workspace, base, 3, RowSettings(), need_reference=False)
    )
    workspace.finish(2, second.model_copy(update={"filter_version": FILTER_VERSION - 1}))
    assert not past_iterations(workspace, base, 3, RowSettings(), need_reference=False)[-1].judged_by(
        two_iterations[0]
    )


def test_a_new_filter_judges_earlier_samples_again(two_iterations: Any, tmp_path: Path) -> None:
    settings, _ = two_iterations
    workspace = Workspace(shutil.copytree(settings.workspace, tmp_path / "workspace"))
    strict = settings.model_copy(
        update={
            "workspace": str(workspace.root),
            "iteration": 3,
            "agreement": settings.agreement.model_copy(update={"min_votes": 5, "pair_votes": 5}),
        }
    )
    report = iteration(strict)
    for number in (1, 2):
        again = workspace.read(stage_of(workspace, 3, f"agree-of-{number}").tables["decisions"], Decision)
        assert not any(decision.kept for decision in again)
    # Every problem has four equal votes: the new filter keeps none, of today's or of earlier samples.
    assert report.stages.collect.sft.roles == {}
    assert report.decision == "hold"
    assert rows_of(workspace, 1, "prefer")
