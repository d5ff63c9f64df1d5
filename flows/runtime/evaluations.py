"""Evaluations that a workspace keeps, and the models that its iterations give a name to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.core.errors import FlywheelError
from tasks.evaluation.gate import promotion_history
from tasks.pipeline.renamed import by_todays_keys
from tasks.pipeline.workspace import ModelRef, StageResult, Workspace, write_json
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings

CHAMPION = "champion"
FOLDER = "evaluations"


def evaluations_of(workspace: Workspace) -> list[dict[str, Any]]:
    """All that were recorded, oldest first. Raises `FlywheelError` for a file that is damaged."""
    records = []
    for path in sorted((workspace.root / FOLDER).glob("[0-9]*.json")):
        try:
            record: dict[str, Any] = json.loads(path.read_text(), object_pairs_hook=by_todays_keys)
            records.append({**record, "number": int(path.stem)})
        except (ValueError, TypeError):
            raise FlywheelError(f"{path} is damaged: move it away, and evaluate the model again.") from None
    return records


def record_evaluation(
    workspace: Workspace, model: ModelRef, stages: Sequence[StageResult], settings: IterationSettings
) -> dict[str, Any]:
    """Keep what was scored, and under which number; one that is kept already is found again.

    `stages` are all of the evaluation, the one with the scores last.
    """
    known = evaluations_of(workspace)
    scores = stages[-1]
    before = next((one for one in known if (one["model"], one["key"]) == (model.digest, scores.key)), None)
    number = before["number"] if before else max((one["number"] for one in known), default=0) + 1
    record = {
        "when": before["when"] if before else now(),
        "title": title_of(workspace, model),
        "name": settings.model.name,
        "model": model.digest,
        "key": scores.key,
        "stages": {stage.stage: stage.key for stage in stages},
        "settings": settings.model_dump(mode="json"),
        "asked": settings.evaluation.model_dump(include={"solutions", "suites", "temperature", "prompt"}),
        "scores": scores.facts["scores"],
        "audit": scores.facts["audit"],
    }
    write_json(workspace.root / FOLDER / f"{number:04d}.json", record)
    return {"number": number, **record}


def now() -> str:
    """This moment, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def finished_of(workspace: Workspace) -> dict[int, dict[str, Any]]:
    """The reports of all finished iterations, by number."""
    numbers = [number for number in workspace.iterations() if number > 0]
    found = {number: workspace.manifest(number)["finished"] for number in numbers}
    return {number: report for number, report in found.items() if report}


def champion_now(workspace: Workspace) -> tuple[ModelRef, int]:
    """The model that the next iteration starts from, and the iteration that promoted it (0: the base model).

    Raises `FlywheelError` before the first iteration is finished.
    """
    finished = finished_of(workspace)
    if not finished:
        raise FlywheelError(
            f"{workspace.root} has no champion yet: finish an iteration first (`flywheel run`)."
        )
    latest = finished[max(finished)]
    champion = promotion_history(workspace, ModelRef("", latest["base_digest"], ""), max(finished) + 1)[-1]
    if champion.path:
        promoted = [n for n, report in finished.items() if report["candidate"] == asdict(champion)]
        return champion, max(promoted)
    of_base = [r["champion"] for r in finished.values() if r["champion"]["digest"] == r["base_digest"]]
    if not of_base:
        raise FlywheelError("no finished iteration says where the base model lies: name it by its folder.")
    return ModelRef(**of_base[-1]), 0


def model_named(name: str, root: str) -> tuple[str, int]:
    """The folder (or hub name) of a model that is named by an iteration's number, as `champion`, or itself;
    and the iteration whose settings it goes with, 0 where there is none.

    An iteration's model is its candidate. Raises `FlywheelError` for an iteration that is not there or has
    none yet.
    """
    folder, _, last = name.rpartition(":")
    if last != CHAMPION and not last.isdecimal():
        return name, 0
    workspace = Workspace.existing(folder or root)
    if last == CHAMPION:
        model, number = champion_now(workspace)
        return str(workspace.path(model)), number or max(finished_of(workspace))
    finished = finished_of(workspace)
    number = int(last) or max(finished, default=0)
    if number not in finished:
        raise FlywheelError(
            f"there is no finished iteration {last} in {workspace.root} ({_named(finished) or 'none is'}): "
            "`flywheel list` shows them."
        )
    return str(workspace.path(ModelRef(**finished[number]["candidate"]))), number


def settings_for(
    name: str, settings: IterationSettings, assignments: tuple[str, ...] | None
) -> IterationSettings:
    """Settings that evaluate the model of that name.

    With `assignments` (no preset and no file was named) an iteration's model is scored as the iteration
    scored it, but for these; with None as `settings` say.
    """
    path, number = model_named(name, settings.workspace)
    if number and assignments is not None:
        folder = name.rpartition(":")[0] or settings.workspace
        plain = Workspace.existing(folder).started_with(number) or {}
        settings = load_settings(assignments=assignments, over=plain).model_copy(
            update={"workspace": settings.workspace}
        )
    return settings.model_copy(update={"model": settings.model.model_copy(update={"name": path})})


def _named(finished: Mapping[int, Any]) -> str:
    return ", ".join(map(str, finished)) + (" are" if len(finished) > 1 else " is") if finished else ""


def title_of(workspace: Workspace, model: ModelRef) -> str:
    """What a model is to the workspace: `the model of iteration 2 (champion)`; else its own name."""
    finished = finished_of(workspace)
    made = [
        number
        for number, report in finished.items()
        if report["candidate"]["digest"] == model.digest and report["differences"]
    ]
    champion = bool(finished) and champion_now(workspace)[0].digest == model.digest
    last = " (champion)" if champion else ""
    if made:
        return f"the model of iteration {made[0]}{last}"
    if any(report["base_digest"] == model.digest for report in finished.values()):
        return f"the base model{last}"
    name = model.origin.removeprefix("base model ")
    return f"model {Path(name).name if name.startswith(('/', '.', '~')) else name}"
