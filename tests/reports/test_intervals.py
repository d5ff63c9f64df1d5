"""An interval over fewer than five problems says nothing: no report, card, chart or table prints one."""

from __future__ import annotations

import re
from math import isnan
from typing import Any

import pytest

from flows.commands.compare import comparison, comparison_markdown, difference, difference_markdown
from flows.commands.runs import open_run
from flows.reports.campaign import campaign_markdown
from flows.reports.dataset_cards import dataset_card
from flows.reports.iteration import markdown_of
from flows.reports.model_cards import model_card
from flows.reports.terminal import print_scores
from tasks.core.statistics import bounds, share_bounds, with_bounds
from tasks.evaluation.metrics import shown
from tasks.filtering.audit import imprecise
from tasks.pipeline.artifacts import stage_markdown
from tasks.pipeline.plots import interval_ends
from tasks.pipeline.workspace import Workspace

_NUMBER = r"[-+]?\d+(\.\d+)?%"
_PLAIN = r"[-+]?\d+\.\d{2,3}"
INTERVAL = re.compile(rf"\[({_NUMBER}, {_NUMBER}|{_PLAIN}, {_PLAIN})\]|\d+% - \d+%|\d\.\d+ to \d\.\d+")


@pytest.mark.parametrize("problems", [4, 5])
def test_an_interval_needs_five_problems(problems: int) -> None:
    values = [0.5, 0.25, 0.75, problems]
    count = {"right": 30, "total": 40, "problems": problems, "share": 0.75, "low": 0.6, "high": 0.86}
    texts = [
        shown("pass@1", values),
        shown("pass@1", values, signed=True),
        shown("distinct solutions", values),
        f"[{bounds(0.25, 0.75, problems)[1:-1]}]",
        share_bounds(count),
        share_bounds(count, "{} - {}"),
    ]
    assert [bool(INTERVAL.search(text)) for text in texts] == [problems >= 5] * len(texts)
    assert with_bounds(values) == ((0.5, 0.25, 0.75) if problems >= 5 else (0.5, 0.5, 0.5))
    assert bool(imprecise([{"chosen solutions": {**count, "right": 1}}], 0.5)) == (problems >= 5)


def test_a_chart_draws_no_bar_where_there_is_no_interval() -> None:
    below, above = interval_ends([with_bounds([0.5, 0.25, 0.75, 4]), with_bounds([0.5, 0.25, 0.75, 5])])
    assert (isnan(below[0]), isnan(above[0])) == (True, True)
    assert (below[1], above[1]) == (0.25, 0.25)


def test_a_run_on_four_problems_prints_none_anywhere(
    two_iterations: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, campaign = two_iterations
    root = settings.workspace
    workspace = Workspace(root)
    report = workspace.manifest(1)["finished"]
    plain = workspace.started_with(1)
    stages = workspace.stages(1)
    splits = {name: {"train": 1} for name in ("sft", "preferences", "problems", "pass_matrix")}
    scored = open_run("1", root).stages["score-before"].facts
    asked = {"solutions": 4, "suites": 1, "temperature": 0.6}
    record = {"model": "m" * 64, "name": "m", "title": "it", "number": 1, "asked": asked}
    print_scores({**record, "scores": scored["scores"]}, json_output=False)
    texts = {
        "report": markdown_of(report),
        "campaign": campaign_markdown(campaign),
        "compare": comparison_markdown(comparison("base", "2", root)),
        "diff": difference_markdown("1", "2", difference("1", "2", root)),
        "data card": dataset_card(report, plain, "mit", splits),
        "model card": model_card(report, plain, "mit", {}),
        "reason": report["reason"],
        "scores": capsys.readouterr().out,
        **{stage.stage: stage_markdown(stage) for stage in stages},
    }
    assert "50.0%" in texts["report"]
    assert "50.0%" in texts["scores"]
    # The audit's decisions are many, and they are on four problems too.
    assert scored["audit"]["recall of true cases"]["total"] >= 5
    assert scored["audit"]["recall of true cases"]["problems"] == 4
    found = {name: match[0] for name, text in texts.items() if (match := INTERVAL.search(text))}
    assert found == {}, found
