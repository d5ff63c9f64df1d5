"""Models of old iterations go where that is asked for; a model that something needs stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.runtime.evaluations import model_named
from flows.runtime.pruning import prune_models
from tasks.core.errors import FlywheelError
from tasks.evaluation.gate import champion_of
from tasks.pipeline.workspace import ModelRef, StageResult, Workspace
from tests.support.reports import BASE, result

LOST = "lost to the base"


def folder(number: int, kind: str) -> str:
    return f"iterations/{number:04d}/train-{kind}-{number}/model"


def reference(number: int, kind: str = "dpo") -> ModelRef:
    return ModelRef(folder(number, kind), f"digest{number}{kind}", "model")


def iterations(root: Path, decisions: list[str]) -> Workspace:
    """A workspace of iterations that were decided so, each with the models of SFT and DPO."""
    workspace = Workspace(root)
    for number, decision in enumerate(decisions, 1):
        for kind in ("sft", "dpo"):
            path = workspace.root / folder(number, kind)
            path.mkdir(parents=True)
            (path / "model.safetensors").write_text("weights")
            models = {"model": reference(number, kind)}
            workspace.record(number, StageResult(f"train-{kind}", f"{kind}{number}", models=models))
        if decision != "unfinished":
            lost = decision == LOST
            decided: Any = "roll back" if lost else decision
            told = result(number, decided, back_to_base=lost)
            workspace.finish(number, told.model_copy(update={"candidate": reference(number)}))
    return workspace


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["promote", "hold", "roll back", LOST, "unfinished"]), max_size=7),
    st.integers(0, 4),
)
def test_what_is_needed_stays_and_the_rest_of_old_iterations_goes(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[str], keep: int
) -> None:
    workspace = iterations(tmp_path_factory.mktemp("w") / "w", decisions)
    finished = [number for number, decided in enumerate(decisions, 1) if decided != "unfinished"]
    begins = [*range(1, len(decisions) + 2)]
    needed = {champion_of(workspace, BASE, number).path for number in begins if number not in finished}
    removed = {str(path.relative_to(workspace.root)) for path in prune_models(workspace, keep, BASE)}
    old = finished[:-keep] if keep else []
    models = {folder(number, kind) for number in old for kind in ("sft", "dpo")}
    assert removed == models - needed
    for number in begins[:-1]:
        for kind in ("sft", "dpo"):
            path = workspace.root / folder(number, kind)
            assert (path / "model.safetensors").exists() == (folder(number, kind) not in removed)
    assert prune_models(workspace, keep, BASE) == []


def test_a_model_that_was_removed_is_said_to_be(tmp_path: Path) -> None:
    workspace = iterations(tmp_path / "w", ["hold", "hold"])
    left = workspace.root / "iterations" / "0001" / "train-sft-0" / ".model.removed"
    left.mkdir(parents=True)
    assert len(prune_models(workspace, 1, BASE)) == 2
    # A kill had left it.
    assert not left.exists()
    assert model_named("2", str(workspace.root))[1] == 2
    with pytest.raises(FlywheelError, match=r"the model of iteration 1 is not in .* training.keep_models"):
        model_named("1", str(workspace.root))


def test_a_model_that_a_later_iteration_stands_on_stays(tmp_path: Path) -> None:
    """Where training was skipped, the stage's model is the one that it was to start from."""
    workspace = iterations(tmp_path / "w", ["hold", "hold"])
    workspace.record(2, StageResult("train-sft", "skipped", models={"model": reference(1, "sft")}))
    removed = prune_models(workspace, 1, BASE)
    assert [path.relative_to(workspace.root) for path in removed] == [Path(folder(1, "dpo"))]
