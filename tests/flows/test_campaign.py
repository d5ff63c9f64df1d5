"""Campaigns: what stops them, what they never read, what they leave, and how they go on after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.campaign import campaign, stop_reason
from flows.iteration import _baseline_check
from flows.reports.campaign import campaign_markdown
from flows.reports.report import Report, report_in
from tasks.core.rows import ProblemScore
from tasks.core.statistics import Share
from tasks.evaluation.gate import GateStatistics, champion_of, gate, needs_baseline_check, promotion_history
from tasks.evaluation.metrics import compare
from tasks.evaluation.scoring import ScoreStatistics
from tasks.generation.diversity import LENGTH
from tasks.pipeline.stage import IterationContext
from tasks.pipeline.workspace import ModelRef, Workspace
from tasks.settings.campaign import CampaignSettings
from tasks.settings.evaluation import EvaluationSettings
from tasks.settings.gate import GateSettings
from tests.support.reports import BASE, model, report, result

DECISIONS = st.sampled_from(["promote", "hold", "roll back"])


def history(folder: Path, decisions: list[str]) -> Workspace:
    """A workspace whose iterations were decided so; "lost" is a candidate that lost to the base."""
    workspace = Workspace(folder)
    for number, decision in enumerate(decisions, 1):
        lost = decision == "lost"
        decided: Any = "roll back" if lost else decision
        workspace.finish(number, result(number, decided, back_to_base=lost))
    return workspace


@given(st.lists(DECISIONS, max_size=12), st.integers(1, 12), st.integers(0, 5))
def test_a_campaign_stops_at_its_length_or_after_fruitless_iterations(
    decisions: list[Any], iterations: int, patience: int
) -> None:
    settings = CampaignSettings(iterations=iterations, patience=patience)
    why = stop_reason([report(decision=decision) for decision in decisions], settings)
    fruitless = patience > 0 and len(decisions) >= patience and "promote" not in decisions[-patience:]
    assert bool(why) == (len(decisions) >= iterations or fruitless)


def test_an_imprecise_filter_stops_a_campaign() -> None:
    def audited(right: int, total: int) -> Report:
        audit = {"chosen solutions": Share.of(right, total, total)}
        return report(decision="promote", stages={"score_before": ScoreStatistics(audit=audit, scores={})})

    settings = CampaignSettings(iterations=9, min_precision=0.5)
    assert "campaign.min_precision" in stop_reason([audited(40, 40), audited(5, 40)], settings)
    assert not stop_reason([audited(5, 40), audited(30, 40)], settings)
    assert not stop_reason([audited(0, 20)], settings)


def scored(split: str, number: int, correct: int, strong: int) -> ProblemScore:
    return ProblemScore(
        f"{split}/{number}", "starter", split, 4, correct, 3, 2, 2, strong, strong, 8, 4, 8, 4, True
    )


SCORES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=8, max_size=8)


@given(SCORES, SCORES, SCORES, SCORES, st.randoms(), st.sampled_from(["solver", "verifier"]))
def test_no_gate_changes_when_test_scores_are_shuffled(
    before: list[Any], after: list[Any], test_before: list[Any], test_after: list[Any], rng: Any, primary: Any
) -> None:
    evaluation, settings = EvaluationSettings(k=[1], bootstrap=100), GateSettings(primary=primary)

    def rows(dev: list[Any], test: list[Any]) -> list[ProblemScore]:
        return [scored("dev", i, *row) for i, row in enumerate(dev)] + [
            scored("test", i, *row) for i, row in enumerate(test)
        ]

    decided = gate(compare(rows(before, test_before), rows(after, test_after), evaluation), settings)
    rng.shuffle(test_before)
    rng.shuffle(test_after)
    assert gate(compare(rows(before, test_after), rows(after, test_before), evaluation), settings) == decided


def test_the_champion_is_the_last_promoted_and_a_loss_to_the_base_ends_the_line(tmp_path: Path) -> None:
    workspace = history(tmp_path / "w", ["promote", "hold", "promote", "roll back", "lost", "promote"])
    assert champion_of(workspace, BASE, 3) == model(1)
    assert promotion_history(workspace, BASE, 5) == [BASE, model(1), model(3)]
    assert champion_of(workspace, BASE, 6) == BASE
    assert champion_of(workspace, BASE, 7) == model(6)
    assert champion_of(workspace, ModelRef("/other", "o", "another base"), 7).digest == "o"


def test_every_few_promotions_the_candidate_meets_the_base(tmp_path: Path) -> None:
    workspace = history(tmp_path / "w", ["promote"] * 6)
    settings = GateSettings(baseline_check_every=3)
    assert [n for n in range(1, 8) if needs_baseline_check(workspace, BASE, n, settings)] == [3, 6]
    assert not any(
        needs_baseline_check(workspace, BASE, n, GateSettings(baseline_check_every=0)) for n in range(1, 8)
    )
    every = GateSettings(baseline_check_every=1)
    assert not needs_baseline_check(workspace, BASE, 1, every)
    assert needs_baseline_check(workspace, BASE, 2, every)


def test_each_iteration_is_its_own_flow_run_and_the_report_shows_them(two_iterations: Any) -> None:
    _, told = two_iterations
    assert [entry.iteration for entry in told.iterations] == [1, 2]
    assert len({entry.flow_run_id for entry in told.iterations}) == 2
    assert told.stopped == "2 of 2 iterations are done"
    folder = Path(told.folder)
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    text = (folder / "report.md").read_text()
    assert "| 1 | hold | 50.0%" in text
    assert "| 2 | hold | 50.0%" in text
    assert "## Yield" in text
    heads, _, first, *_ = text[text.index("| iteration | distinct programs") :].splitlines()
    length = dict(zip(heads.split(" | "), first.split(" | "), strict=True))[LENGTH]
    assert length.isdigit()


def test_a_finished_campaign_reports_again_and_runs_no_iteration(two_iterations: Any) -> None:
    settings, told = two_iterations
    again = campaign(settings)
    assert campaign_markdown(again) == campaign_markdown(told)
    assert Workspace(settings.workspace).iterations() == [1, 2]
    shorter = settings.model_copy(update={"campaign": CampaignSettings(iterations=1)})
    assert [entry.iteration for entry in campaign(shorter).iterations] == [1, 2]
    impatient = settings.model_copy(update={"campaign": CampaignSettings(iterations=9, patience=1)})
    assert campaign(impatient).stopped == "no promotion in 1 iterations (campaign.patience)"


def test_the_second_iteration_finds_the_champions_scores_again(two_iterations: Any) -> None:
    settings, _ = two_iterations
    second = report_in(Workspace(settings.workspace), 2)
    assert second
    assert {"sample-before", "execute-before", "score-before"} <= set(second.reused)


def test_a_candidate_meets_the_base_on_fresh_samples(two_iterations: Any, tmp_path: Path) -> None:
    settings, _ = two_iterations
    root = shutil.copytree(settings.workspace, tmp_path / "workspace")
    workspace = Workspace(root)
    second = report_in(workspace, 2)
    assert second
    labelled = next(s for s in workspace.stages(2) if s.stage == "evaluation-set").tables
    passed = GateStatistics(decision="promote", reason="passed", differences={})
    met, back_to_base = _baseline_check(
        IterationContext(str(root), 2, 0),
        second.champion,
        second.candidate,
        labelled["dev"],
        labelled["limits"],
        settings,
        passed,
    )
    # The recording answers alike for every model: no gain over the base is no promotion.
    assert met.decision == "hold"
    assert met.reason.startswith("passed; against the base, on fresh samples: pass@1 on dev changed by")
    assert not back_to_base
    seeds = {s.stage: s.settings["seed"] for s in workspace.stages(2) if s.stage.startswith("sample-")}
    # Self-play, and for each of the two models the iteration's scores and fresh ones: none shares a stream.
    assert len(set(seeds.values())) == 5
    fresh = {seeds["sample-base"], seeds["sample-again"]}
    assert len(fresh) == 2
    assert fresh.isdisjoint(
        seed for stage, seed in seeds.items() if stage not in ("sample-base", "sample-again")
    )


SCRIPT = """
import sys
from pathlib import Path
from flows.campaign import campaign
from tests.support import replay
campaign(replay.settings_in(Path(sys.argv[1])))
"""


@pytest.mark.soak
def test_a_killed_campaign_goes_on_with_the_iteration_it_was_in(two_iterations: Any, tmp_path: Path) -> None:
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect")}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL)
    workspace = tmp_path / "workspace"
    deadline = time.monotonic() + 900
    while not list(workspace.glob("iterations/0002/train-sft-*/training.log")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*.parquet")}
    subprocess.run(command, cwd=root, env=environment, check=True)
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    done, undisturbed = Workspace(workspace), Workspace(two_iterations[0].workspace)
    assert done.iterations() == [1, 2]
    for number in (1, 2):
        one, two = report_in(done, number), report_in(undisturbed, number)
        assert one
        assert two
        assert one.candidate.digest == two.candidate.digest
        assert one.differences == two.differences
