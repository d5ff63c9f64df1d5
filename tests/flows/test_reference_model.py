"""The base model as the reference model: an iteration whose champion is another model, on recorded
completions."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.commands.lineage import lineage_markdown
from flows.evaluation import (
    EVALUATION_SEED,
    audit_sample_counts,
    evaluation_stream,
    reference_of,
    self_play_stream,
    uses_reference_model,
)
from flows.iteration import iteration
from tasks.core.records import Behaviour, Outcome, Sample, Solution
from tasks.core.rows import Decision
from tasks.core.tables import read_plain, read_table
from tasks.datasets.collection import past_iterations
from tasks.datasets.lineage import lineage
from tasks.evaluation.scoring import AuditSamples, ScoreStatistics, audited_mix
from tasks.execution.problem_data import ProblemData
from tasks.generation.sampling import requests_of, split_sample_budget
from tasks.pipeline.finished import finished
from tasks.pipeline.workspace import ModelRef, Ref, StageResult, Workspace
from tasks.settings.agreement import AgreementSettings
from tasks.settings.iteration import IterationSettings
from tasks.settings.rows import RowSettings
from tasks.settings.sampling import SamplingSettings
from tests.support.factories import PROBLEM, solution
from tests.support.formats import demo_format


@pytest.fixture(scope="module")
def third(
    two_iterations: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, dict[str, StageResult]]:
    """A third iteration, after the first one's candidate was promoted, and its stages."""
    settings, _ = two_iterations
    root = tmp_path_factory.mktemp("reference") / "workspace"
    shutil.copytree(settings.workspace, root)
    manifest = root / "iterations" / "0001" / "manifest.json"
    written = json.loads(manifest.read_text())
    written["finished"]["decision"] = "promote"
    manifest.write_text(json.dumps(written))
    changed = {
        "workspace": str(root),
        "iteration": 3,
        # Each of the two models gives all six recorded answers.
        "sampling": settings.sampling.model_copy(update={"solutions": 12}),
        "training": settings.training.model_copy(update={"min_rows": 1000}),
    }
    iteration(settings.model_copy(update=changed))
    workspace = Workspace(root)
    return workspace, {stage.stage: stage for stage in workspace.stages(3)}


def test_the_base_writes_its_share_of_the_solutions_and_no_suite(third: Any) -> None:
    workspace, stages = third
    sampled = stages["sample-self-play"]
    assert sampled.inputs["reference"] not in ("", sampled.inputs["model"])
    samples = read_table(workspace.path(sampled.tables["samples"]), Sample)
    solver = [row for row in samples if row.role == "solver"]
    per_problem = round(SamplingSettings().reference_share * 12)
    assert sum(row.of_reference for row in solver) == per_problem * len({row.problem_id for row in solver})
    assert not any(row.of_reference for row in samples if row.role == "verifier")
    first = next(stage for stage in workspace.stages(1) if stage.stage == "sample-self-play")
    assert "reference" not in first.inputs


def test_winners_hold_their_share_of_the_reference_solutions(third: Any) -> None:
    workspace, stages = third
    decisions = read_table(workspace.path(stages["agree"].tables["decisions"]), Decision)
    solutions = read_table(workspace.path(stages["sample-self-play"].tables["solutions"]), Solution)
    reference_solutions = {one.solution_id for one in solutions if one.of_reference}
    kept = [decision for decision in decisions if decision.kept]
    assert kept
    for decision in kept:
        assert decision.reference_agreeing == len(reference_solutions.intersection(decision.chosen)) > 0


def test_the_audit_has_the_base_too_and_draws_nothing_anew(third: Any) -> None:
    workspace, stages = third
    asked = stages["sample-before-reference"]
    assert asked.key == next(stage for stage in workspace.stages(1) if stage.stage == "sample-before").key
    scored = stages["score-before"]
    assert scored.settings["audit_samples"] == {"policy": 2, "reference": 4}
    assert (
        scored.inputs["reference_behaviours"]
        == stages["execute-before-reference"].tables["behaviours"].digest
    )
    alone = next(stage for stage in workspace.stages(1) if stage.stage == "score-before")
    both, one = (
        stage.statistics_as(ScoreStatistics).audit["recall of right solutions"] for stage in (scored, alone)
    )
    assert both.total > one.total


def test_no_seed_serves_two_models_or_two_purposes(third: Any) -> None:
    """The base's votes in the audit are no copies of the champion's, and nothing of it is self-play's."""
    workspace, stages = third
    seeds = []
    for name in ("sample-before", "sample-before-reference", "sample-self-play"):
        rows = read_table(workspace.path(stages[name].tables["samples"]), Sample)
        assert rows
        for of_reference in {row.of_reference for row in rows}:
            seeds.append({row.seed for row in rows if row.of_reference == of_reference})
    assert len(seeds) == 4
    assert len(set().union(*seeds)) == sum(map(len, seeds))


def test_every_stream_of_a_problem_is_independent_of_the_others() -> None:
    """Also where self-play has evaluation's seed and problem, and where the base is met on fresh samples."""
    settings = IterationSettings(seed=int(EVALUATION_SEED))
    models = [ModelRef(name, name, "") for name in ("base", "champion")]
    streams = [
        *(self_play_stream(settings, number) for number in (1, 2)),
        *(
            evaluation_stream(seed, model)
            for seed in (EVALUATION_SEED, f"{EVALUATION_SEED}/1")
            for model in models
        ),
    ]
    seeds = [
        {asked.request.seed for asked in requests_of(PROBLEM, settings.sampling, stream, demo_format())}
        for stream in streams
    ]
    assert len(set().union(*seeds)) == sum(map(len, seeds))


def test_lineage_names_the_reference_model(third: Any) -> None:
    workspace, stages = third
    rows = read_plain(workspace.path(stages["prefer"].tables["sft"]))
    chain = lineage(workspace, 3, rows[0]["row_id"])
    assert chain["sampling"]["reference"] == stages["sample-self-play"].inputs["reference"]
    assert f"reference model `{chain['sampling']['reference'][:16]}` (the base)" in lineage_markdown(chain, 3)


def of_model(name: str) -> ProblemData:
    """Samples `name0` to `name2`, of which the second could not be parsed, what they did, and gold."""
    drawn = [Sample(f"sample-{name}{i}", PROBLEM.problem_id, "solver", i, "", "", "", 0, 0) for i in range(3)]
    parsed = [solution(f"{name}0", name), solution(f"{name}2", name)]
    gold = replace(solution("gold/p/1", "g"), origin="gold")
    rows = [
        Behaviour(one.solution_id, "p/1", (Outcome("value", one.solution_id),), ()) for one in (*parsed, gold)
    ]
    return ProblemData(PROBLEM, [*parsed, gold], (), rows, drawn)


def test_the_audit_tells_two_models_apart_and_counts_what_was_drawn() -> None:
    some = Ref("", "", 0)
    # Of each model so many that were drawn count, parsed or not.
    mix = AuditSamples(some, some, some, policy=3, reference=2)
    mixed = audited_mix(of_model("a"), of_model("b"), mix)
    assert [(one.solution_id, one.code, one.of_reference) for one in mixed.solutions] == [
        ("gold/p/1", "g", False),
        ("a0", "a", False),
        ("a2", "a", False),
        ("reference/b0", "b", True),
    ]
    names = ["a0", "a2", "gold/p/1", "reference/b0", "reference/b2", "reference/gold/p/1"]
    assert [row.solution_id for row in mixed.behaviours] == names
    assert [row.calls[0].value for row in mixed.behaviours] == [
        one.removeprefix("reference/") for one in names
    ]


@given(st.integers(1, 64), st.floats(0, 1), st.integers(1, 64))
def test_the_audit_has_both_models_in_self_plays_proportion(n: int, share: float, drawn: int) -> None:
    settings = IterationSettings()
    sampling = settings.sampling.model_copy(update={"solutions": n, "reference_share": share})
    evaluation = settings.evaluation.model_copy(update={"solutions": drawn})
    settings = settings.model_copy(update={"sampling": sampling, "evaluation": evaluation})
    asked = [one.solutions for one in split_sample_budget(sampling)]
    policy, reference = audit_sample_counts(settings)
    assert max(policy, reference) <= max(1, drawn)
    if max(asked) > drawn:
        assert abs(policy * asked[1] - reference * asked[0]) <= max(asked)


def test_a_model_whose_votes_do_not_count_is_not_asked() -> None:
    champion, base = ModelRef("a", "a", ""), ModelRef("b", "b", "")
    settings = IterationSettings()
    assert reference_of(champion, base, settings) is base
    assert reference_of(base, base, settings) is None
    paper = settings.model_copy(update={"agreement": AgreementSettings(rule="paper")})
    assert reference_of(champion, base, paper) is None
    # Nor are its earlier iterations left out for that.
    assert uses_reference_model(settings)
    assert not uses_reference_model(paper)
    little = settings.sampling.model_copy(update={"reference_share": 0.01})
    assert reference_of(champion, base, settings.model_copy(update={"sampling": little})) is None


def test_iterations_that_no_reference_model_confirmed_are_left_out(third: Any, tmp_path: Path) -> None:
    workspace = Workspace(shutil.copytree(third[0].root, tmp_path / "workspace"))
    third_result = finished(workspace, 3)
    assert third_result
    base = ModelRef("", third_result.base_digest, "")

    def numbers(need_reference: bool) -> list[int]:
        past = past_iterations(workspace, base, 9, RowSettings(), need_reference)
        return [iteration.iteration_rows.iteration for iteration in past]

    assert numbers(need_reference=True) == [1, 2, 3]
    manifest = workspace.root / "iterations" / "0003" / "manifest.json"
    written = json.loads(manifest.read_text())
    for stage in written["stages"].values():
        stage["inputs"].pop("reference", None)
    manifest.write_text(json.dumps(written))
    assert numbers(need_reference=True) == [1, 2]
    assert numbers(need_reference=False) == [1, 2, 3]
