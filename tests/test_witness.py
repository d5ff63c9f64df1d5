"""The base model as witness: a turn whose champion is another model, on recorded completions."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import pytest

from flows.iteration import iteration
from flows.tracing import lineage_markdown
from tasks.lineage import lineage
from tasks.records import Behaviour, Decision, Outcome, Sample, Solution
from tasks.scoring import mixed_solutions
from tasks.settings import SamplingSettings
from tasks.tables import read_plain, read_table
from tasks.workspace import StageResult, Workspace
from tests.factories import solution


@pytest.fixture(scope="module")
def third(turned: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, StageResult]]:
    """A third turn, after the first one's candidate was promoted, and its stages."""
    settings, _ = turned
    root = tmp_path_factory.mktemp("witness") / "workspace"
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
    assert sampled.inputs["witness"] not in ("", sampled.inputs["model"])
    samples = read_table(workspace.path(sampled.tables["samples"]), Sample)
    solver = [row for row in samples if row.role == "solver"]
    per_problem = round(SamplingSettings().witness_share * 12)
    assert sum(row.witness for row in solver) == per_problem * len({row.problem_id for row in solver})
    assert not any(row.witness for row in samples if row.role == "verifier")
    first = next(stage for stage in workspace.stages(1) if stage.stage == "sample-self-play")
    assert "witness" not in first.inputs


def test_winners_hold_their_share_of_the_witnesses(third: Any) -> None:
    workspace, stages = third
    decisions = read_table(workspace.path(stages["agree"].tables["decisions"]), Decision)
    solutions = read_table(workspace.path(stages["sample-self-play"].tables["solutions"]), Solution)
    witnesses = {one.solution_id for one in solutions if one.witness}
    kept = [decision for decision in decisions if decision.kept]
    assert kept
    for decision in kept:
        assert decision.witnesses == len(witnesses.intersection(decision.chosen)) > 0


def test_the_audit_hears_the_base_too_and_draws_nothing_anew(third: Any) -> None:
    workspace, stages = third
    asked = stages["sample-before-witness"]
    assert asked.key == next(stage for stage in workspace.stages(1) if stage.stage == "sample-before").key
    scored = stages["score-before"]
    assert scored.settings["mixed"] == [4, 4]
    assert scored.inputs["witness_behaviours"] == stages["execute-before-witness"].tables["behaviours"].digest
    counted = scored.facts["audit"]["recall of right solutions"]["total"]
    alone = next(stage for stage in workspace.stages(1) if stage.stage == "score-before").facts["audit"]
    assert counted > alone["recall of right solutions"]["total"]


def test_lineage_names_the_witness(third: Any) -> None:
    workspace, stages = third
    rows = read_plain(workspace.path(stages["prefer"].tables["sft"]))
    chain = lineage(workspace, 3, rows[0]["row_id"])
    assert chain["sampling"]["witness"] == stages["sample-self-play"].inputs["witness"]
    assert f"witness `{chain['sampling']['witness'][:16]}` (base model)" in lineage_markdown(chain, 3)


def test_two_models_that_drew_with_the_same_seeds_are_told_apart() -> None:
    def did(ids: list[str], value: str) -> list[Behaviour]:
        return [Behaviour(one, "p/1", (Outcome("value", value),), ()) for one in ids]

    own = [solution(name, name) for name in "abc"]
    theirs = [solution(name, name.upper()) for name in "abc"]
    gold = replace(solution("gold/p/1", "gold"), origin="gold")
    solutions, rows = mixed_solutions(
        [*own, gold], did([*"abc", "gold/p/1"], "1"), [*theirs, gold], did([*"abc", "gold/p/1"], "2"), (2, 1)
    )
    assert [(one.solution_id, one.code, one.witness) for one in solutions] == [
        ("gold/p/1", "gold", False),
        ("a", "a", False),
        ("b", "b", False),
        ("witness/a", "A", True),
    ]
    assert {row.solution_id: row.calls[0].value for row in rows} == {
        **dict.fromkeys([*"abc", "gold/p/1"], "1"),
        "witness/a": "2",
    }
