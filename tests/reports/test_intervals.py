"""An interval over fewer than five problems says nothing: no report, card, chart or table prints one."""

from __future__ import annotations

import re
from math import isnan
from typing import Any

import pytest

from flows.commands.compare import comparison, comparison_markdown, difference, difference_markdown
from flows.reports.campaign import campaign_markdown
from flows.reports.dataset_cards import dataset_card
from flows.reports.iteration import markdown_of
from flows.reports.model_cards import model_card
from flows.reports.report import report_in
from flows.reports.terminal import print_scores
from flows.runtime.evaluations import EvaluationRecord
from tasks.core.statistics import Interval, Share, bounds, share_bounds, with_bounds
from tasks.evaluation.metrics import shown
from tasks.filtering.audit import imprecise
from tasks.pipeline.artifacts import stage_markdown
from tasks.pipeline.finished import Asked
from tasks.pipeline.plots import interval_ends
from tasks.pipeline.workspace import Workspace

_NUMBER = r"[-+]?\d+(\.\d+)?%"
_PLAIN = r"[-+]?\d+\.\d{2,3}"
INTERVAL = re.compile(rf"\[({_NUMBER}, {_NUMBER}|{_PLAIN}, {_PLAIN})\]|\d+% - \d+%|\d\.\d+ to \d\.\d+")


@pytest.mark.parametrize("problems", [4, 5])
def test_an_interval_needs_five_problems(problems: int) -> None:
    interval = Interval(0.5, 0.25, 0.75, problems)
    count = Share.of(30, 40, problems)
    texts = [
        shown("pass@1", interval),
        shown("pass@1", interval, signed=True),
        shown("distinct solutions", interval),
        f"[{bounds(0.25, 0.75, problems)[1:-1]}]",
        share_bounds(count),
        share_bounds(count, "{} - {}"),
    ]
    assert [bool(INTERVAL.search(text)) for text in texts] == [problems >= 5] * len(texts)
    assert with_bounds(interval) == ((0.5, 0.25, 0.75) if problems >= 5 else (0.5, 0.5, 0.5))
    assert bool(imprecise([{"chosen solutions": Share.of(1, 40, problems)}], 0.5)) == (problems >= 5)


def test_a_chart_draws_no_bar_where_there_is_no_interval() -> None:
    below, above = interval_ends([with_bounds(Interval(0.5, 0.25, 0.75, n)) for n in (4, 5)])
    assert (isnan(below[0]), isnan(above[0])) == (True, True)
    assert (below[1], above[1]) == (0.25, 0.25)


def test_a_run_on_four_problems_prints_none_anywhere(
    two_iterations: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, campaign = two_iterations
    root = settings.workspace
    workspace = Workspace(root)
    report = report_in(workspace, 1)
    assert report
    plain = workspace.started_with(1)
    stages = workspace.stages(1)
    splits = {name: {"train": 1} for name in ("sft", "preferences", "problems", "pass_matrix")}
    audit = report.stages.score_before.audit
    record = EvaluationRecord(
        number=1,
        when="2026-01-01",
        title="it",
        name="m",
        model="m" * 64,
        key="k",
        stages={},
        settings={},
        asked=Asked.of(settings.evaluation),
        scores=report.before,
        audit=audit,
    )
    print_scores(record, json_output=False)
    texts = {
        "report": markdown_of(report),
        "campaign": campaign_markdown(campaign),
        "compare": comparison_markdown(comparison("base", "2", root)),
        "diff": difference_markdown("1", "2", difference("1", "2", root)),
        "data card": dataset_card(report, plain, "mit", splits),
        "model card": model_card(report, plain, "mit", {}),
        "reason": report.reason,
        "scores": capsys.readouterr().out,
        **{stage.stage: stage_markdown(stage) for stage in stages},
    }
    assert "50.0%" in texts["report"]
    assert "50.0%" in texts["scores"]
    # The audit's decisions are many, and they are on four problems too.
    assert audit["recall of true cases"].total >= 5
    assert audit["recall of true cases"].problems == 4
    found = {name: match[0] for name, text in texts.items() if (match := INTERVAL.search(text))}
    assert found == {}, found
