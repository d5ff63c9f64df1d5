"""Evaluations that a workspace keeps, and the models that its iterations give a name to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.core.disk import write_json
from tasks.core.errors import FlywheelError
from tasks.core.statistics import Interval, Share
from tasks.evaluation.gate import promotion_history
from tasks.evaluation.scoring import ScoreStatistics
from tasks.pipeline.finished import SCHEMA_VERSION, Asked, IterationResult, finished, read_figures
from tasks.pipeline.old_manifests import todays_evaluation
from tasks.pipeline.renamed import by_todays_keys
from tasks.pipeline.statistics import Figures
from tasks.pipeline.workspace import ModelRef, StageResult, Workspace
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings

CHAMPION = "champion"
FOLDER = "evaluations"


class EvaluationRecord(Figures):
    """What is kept of one evaluation."""

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of this form of the record.")
    number: int = Field(description="Its number: commands call it e1, e2, ...")
    when: str = Field(description="When it was recorded first, UTC.")
    title: str = Field(description="What the model is to the workspace.")
    name: str = Field(description="The model's name, as it was asked for.")
    model: str = Field(description="The model's digest.")
    key: str = Field(description="Key of the stage that scored it.")
    stages: dict[str, str] = Field(description="Its stages: name -> key.")
    settings: dict[str, Any] = Field(description="What it was started with.")
    asked: Asked = Field(description="What the model was asked for.")
    scores: dict[str, dict[str, Interval]] = Field(description="Benchmark/split -> metric -> interval.")
    audit: dict[str, Share] = Field(description="The filter on dev problems, by row of the audit.")


def evaluations_of(workspace: Workspace) -> list[EvaluationRecord]:
    """All that were recorded, oldest first. Raises `FlywheelError` for a file that is damaged."""
    records = []
    for path in sorted((workspace.root / FOLDER).glob("[0-9]*.json")):
        try:
            plain = todays_evaluation(json.loads(path.read_text(), object_pairs_hook=by_todays_keys))
            numbered = {**plain, "number": int(path.stem)}
            records.append(read_figures(EvaluationRecord, numbered, str(path)))
        except (ValueError, TypeError, AttributeError):
            raise FlywheelError(f"{path} is damaged: move it away, and evaluate the model again.") from None
    return records


def record_evaluation(
    workspace: Workspace, model: ModelRef, stages: Sequence[StageResult], settings: IterationSettings
) -> EvaluationRecord:
    """Keep what was scored, and under which number; one that is kept already is found again.

    `stages` are all of the evaluation, the one with the scores last.
    """
    known, key = evaluations_of(workspace), stages[-1].key
    before = next((one for one in known if (one.model, one.key) == (model.digest, key)), None)
    scored = stages[-1].statistics_as(ScoreStatistics)
    record = EvaluationRecord(
        number=before.number if before else max((one.number for one in known), default=0) + 1,
        when=before.when if before else now(),
        title=title_of(workspace, model),
        name=settings.model.name,
        model=model.digest,
        key=key,
        stages={stage.stage: stage.key for stage in stages},
        settings=settings.model_dump(mode="json"),
        asked=Asked.of(settings.evaluation),
        scores=scored.scores,
        audit=scored.audit,
    )
    write_json(workspace.root / FOLDER / f"{record.number:04d}.json", record.model_dump(mode="json"))
    return record


def now() -> str:
    """This moment, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def finished_of(workspace: Workspace) -> dict[int, IterationResult]:
    """What all finished iterations came to, by number."""
    numbers = [number for number in workspace.iterations() if number > 0]
    found = ((number, finished(workspace, number)) for number in numbers)
    return {number: result for number, result in found if result is not None}


def champion_now(workspace: Workspace) -> tuple[ModelRef, int]:
    """The model that the next iteration starts from, and the iteration that promoted it (0: the base model).

    Raises `FlywheelError` before the first iteration is finished.
    """
    results = finished_of(workspace)
    if not results:
        raise FlywheelError(
            f"{workspace.root} has no champion yet: finish an iteration first (`flywheel run`)."
        )
    latest = results[max(results)]
    champion = promotion_history(workspace, ModelRef("", latest.base_digest, ""), max(results) + 1)[-1]
    if champion.path:
        return champion, max(n for n, result in results.items() if result.candidate == champion)
    of_base = [result.champion for result in results.values() if result.of_base]
    if not of_base:
        raise FlywheelError("no finished iteration says where the base model lies: name it by its folder.")
    return of_base[-1], 0


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
    results = finished_of(workspace)
    number = int(last) or max(results, default=0)
    if number not in results:
        raise FlywheelError(
            f"there is no finished iteration {last} in {workspace.root} ({_named(results) or 'none is'}): "
            "`flywheel list` shows them."
        )
    candidate = workspace.path(results[number].candidate)
    if not candidate.exists():
        raise FlywheelError(
            f"the model of iteration {number} is not in {workspace.root} any more: training.keep_models "
            "removes old ones, and its tables and report are all that is left of it."
        )
    return str(candidate), number


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


def _named(results: Mapping[int, Any]) -> str:
    return ", ".join(map(str, results)) + (" are" if len(results) > 1 else " is") if results else ""


def title_of(workspace: Workspace, model: ModelRef) -> str:
    """What a model is to the workspace: `the model of iteration 2 (champion)`; else its own name."""
    results = finished_of(workspace)
    made = [
        number
        for number, result in results.items()
        if result.candidate.digest == model.digest and result.has_new_model
    ]
    champion = bool(results) and champion_now(workspace)[0].digest == model.digest
    last = " (champion)" if champion else ""
    if made:
        return f"the model of iteration {made[0]}{last}"
    if any(result.base_digest == model.digest for result in results.values()):
        return f"the base model{last}"
    name = model.origin.removeprefix("base model ")
    return f"model {Path(name).name if name.startswith(('/', '.', '~')) else name}"
