"""The whole iteration, with recorded completions: real containers, real (tiny) training, real Prefect
runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.iteration import iteration
from flows.reports.iteration import markdown_of
from flows.reports.report import Report, report_in
from tasks.benchmarks.registry import at_hand
from tasks.core.rows import Pair, SftRow
from tasks.core.tables import read_plain
from tasks.evaluation.evaluation_set import EvaluationSetStatistics
from tasks.generation.diversity import LENGTH
from tasks.generation.prompts import fenced
from tasks.pipeline.workspace import Ref, StageResult, Workspace
from tasks.settings.iteration import IterationSettings
from tasks.settings.sandbox import MUTANT_CPU_SHARE
from tests.support import replay


@pytest.fixture(scope="module")
def finished(two_iterations: tuple[IterationSettings, Any]) -> tuple[IterationSettings, Report]:
    settings, _ = two_iterations
    report = report_in(Workspace(settings.workspace), 1)
    assert report
    return settings, report


def table(settings: IterationSettings, stage: str, name: str) -> tuple[Path, list[dict[str, Any]]]:
    workspace = Workspace(settings.workspace)
    for entry in workspace.manifest(1)["stages"].values():
        if entry["stage"] == stage:
            path = workspace.path(Ref(**entry["tables"][name]))
            return path, read_plain(path)
    raise AssertionError(f"no stage {stage}")


def stages_called(settings: IterationSettings, prefix: str) -> list[StageResult]:
    stages = Workspace(settings.workspace).stages(1)
    found = [stage for stage in stages if stage.stage.startswith(prefix)]
    assert found
    return found


def test_agreement_keeps_every_problem_and_the_right_solutions(finished: Any) -> None:
    settings, report = finished
    assert report.stages.agree.kept == len(replay.STATEMENTS)
    solutions = {
        row["solution_id"]: row["code"] for row in table(settings, "sample-self-play", "solutions")[1]
    }
    for decision in table(settings, "agree", "decisions")[1]:
        right = replay.STATEMENTS[int(decision["problem_id"].rpartition("/")[2])][2]
        assert {solutions[one].rpartition("return ")[2].strip() for one in decision["chosen"]} == {right}
        assert decision["votes"] == 4


def test_rows_of_both_roles_with_lineage(finished: Any) -> None:
    settings, _ = finished
    sft, pairs = table(settings, "prefer", "sft")[1], table(settings, "prefer", "pairs")[1]
    assert {row["role"] for row in sft} == {row["role"] for row in pairs} == {"solver", "verifier"}
    known = {row["sample_id"] for row in table(settings, "sample-self-play", "samples")[1]}
    for row in sft:
        assert row["recombined"] or known & set(row["sources"])
        assert row["completion"].endswith("```")
    for pair in pairs:
        assert pair["chosen"] != pair["rejected"]
        assert pair["chosen"].count("assert") == pair["rejected"].count("assert")
    assert set(SftRow.__dataclass_fields__) == set(sft[0])
    assert set(Pair.__dataclass_fields__) == set(pairs[0])


def test_rows_have_sampled_prompts_and_assertions_in_the_words_of_the_model(finished: Any) -> None:
    settings, _ = finished
    samples = table(settings, "sample-self-play", "samples")[1]
    answers: dict[str, str] = {}
    for sample in samples:
        answers[sample["prompt"]] = (
            answers.get(sample["prompt"], "") + sample["prompt"] + sample["completion"]
        )
    rows = [*table(settings, "prefer", "sft")[1], *table(settings, "prefer", "pairs")[1]]
    assert any('"' in row.get("completion", "") for row in rows if row["role"] == "verifier")
    for row in rows:
        for name in {"completion", "chosen", "rejected"} & row.keys():
            text = fenced(row["prompt"], row[name])
            for part in text.split("\n") if row["role"] == "verifier" else [text]:
                assert part in answers[row["prompt"]]


def test_mutants_and_the_pool_of_negatives_serve_the_tests(finished: Any) -> None:
    settings, report = finished
    stages = report.stages
    mutants = table(settings, "mutate", "mutants")[1]
    assert len(mutants) == stages.mutate.mutants > 0
    chosen = {one for decision in table(settings, "agree", "decisions")[1] for one in decision["chosen"]}
    assert {row["parent"] for row in mutants} <= chosen
    assert 0 < stages.prefer.non_equivalent_mutants <= len(mutants)
    losers = {row["solution_id"] for row in table(settings, "sample-self-play", "solutions")[1]}
    for pair in table(settings, "prefer", "pairs")[1]:
        if pair["role"] == "verifier":
            assert pair["sources"][3] in losers | {row["solution_id"] for row in mutants}
    pool = table(settings, "negatives", "pool")[1]
    assert {"shipped", "mutants"} <= stages.negatives.origins.keys()
    assert len(pool) == len({(row["problem_id"], row["code"]) for row in pool})
    # Both models met the same pool, and both scores name it.
    assert len({stage.inputs["pool"] for stage in stages_called(settings, "score-")}) == 1


def test_self_play_keeps_clear_of_benchmarks_that_are_not_scored_too(finished: Any) -> None:
    settings, _ = finished
    rows = table(settings, "evaluation-set", "guarded")[1]
    assert settings.evaluation.benchmarks == ["starter"]
    (labelled,) = stages_called(settings, "evaluation-set")
    guarded = labelled.statistics_as(EvaluationSetStatistics).guarded
    assert set(guarded) == {"starter", *at_hand()}
    assert {"starter", "humaneval"} <= {row["source"] for row in rows}
    (collected,) = stages_called(settings, "collect")
    assert collected.inputs["benchmark"] == labelled.tables["guarded"].digest


def test_labelled_problems_limit_their_programs_and_self_play_does_not(finished: Any) -> None:
    settings, _ = finished
    (scored,) = stages_called(settings, "evaluation-set")
    limits = table(settings, "evaluation-set", "limits")[1]
    assert len(limits) == scored.tables["scored"].rows
    # Starter's gold is quick, and its limits are the settings' own.
    own = settings.sandbox.cpu_s
    assert {(row["cpu_s"], row["gold_cpu_s"]) for row in limits} == {(own, own)}
    shares = table(settings, "candidates", "limits")[1]
    assert {row["cpu_s"] for row in shares} == {own * MUTANT_CPU_SHARE}
    given = {stage.stage: stage.inputs.get("limits") for stage in stages_called(settings, "execute-")}
    digest = scored.tables["limits"].digest
    assert given["execute-before"] == given["execute-before-pool"] == digest
    assert given["execute-candidates"] not in (None, digest)
    assert given["execute-self-play"] is given["execute-mutants"] is None


def test_training_really_changed_the_model(finished: Any) -> None:
    _, report = finished
    assert report.candidate.digest != report.base_digest
    assert report.stages.train_sft.rows_used > 0
    assert report.stages.train_dpo.rows_used > 0


def test_recorded_answers_give_known_scores_and_a_hold(finished: Any) -> None:
    _, report = finished
    dev = report.before["starter/dev"]
    assert dev["pass@1"].mean == pytest.approx(0.5)
    assert dev["case accuracy"].mean == 1.0
    assert report.decision == "hold"
    text = markdown_of(report)
    (lengths,) = [line for line in text.splitlines() if line.startswith(f"| {LENGTH} |")]
    assert all(cell.strip().isdigit() for cell in lengths.strip("|").split("|")[1:])
    assert "No score changed beyond noise" in text
    assert "agreement kept **6 of 6**" in text


def test_the_same_command_again_reuses_every_stage_and_changes_no_table(finished: Any) -> None:
    settings, report = finished
    folder = Path(report.folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    again = iteration(settings)
    assert set(again.reused) == {name for name, _ in report.stages.by_name()}
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before
    assert again.differences == report.differences


def test_an_iteration_that_keeps_nothing_completes_and_says_so(finished: Any, tmp_path: Path) -> None:
    settings, _ = finished
    strict = settings.model_copy(
        update={
            "workspace": str(tmp_path / "workspace"),
            "agreement": settings.agreement.model_copy(update={"min_votes": 99}),
        }
    )
    report = iteration(strict)
    assert report.decision == "hold"
    assert "too little to train on" in report.reason
    assert "too few votes 6" in markdown_of(report)
