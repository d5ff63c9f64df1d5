"""How commands name what a workspace holds: iteration `2`, `0` for the latest, `e1` for an evaluation, and
`FOLDER:2` for one of another workspace."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from flows.reports.report import Report, report_in
from flows.runtime.evaluations import EvaluationRecord, evaluations_of
from tasks.core.errors import FlywheelError
from tasks.pipeline.workspace import StageResult, Workspace


@dataclass(frozen=True)
class Run:
    """One iteration of one workspace."""

    workspace: Workspace
    iteration: int

    @property
    def name(self) -> str:
        return f"{self.workspace.root.name}:{self.iteration}"

    @property
    def title(self) -> str:
        return f"iteration {self.iteration}"

    @property
    def report(self) -> Report | None:
        """The report of a finished iteration; None of one that is not, and of an evaluation."""
        return report_in(self.workspace, self.iteration)

    @property
    def stages(self) -> dict[str, StageResult]:
        """Finished stages by name, in the order they ran."""
        return {stage.stage: stage for stage in self.workspace.stages(self.iteration)}

    @property
    def settings(self) -> dict[str, Any]:
        """What it was started with. Raises `FlywheelError` where nothing says."""
        content: dict[str, Any] | None = self.workspace.started_with(self.iteration)
        if content is None:
            raise FlywheelError(f"{self.name} has no settings.json: it was not made by `flywheel run`.")
        return content

    @property
    def scored(self) -> StageResult | None:
        """The stage that scored its model: the candidate's, or the champion's if nothing was trained."""
        stages = self.stages
        return stages.get("score-after") or stages.get("score-before")


@dataclass(frozen=True)
class EvaluationRun(Run):
    """What one `flywheel evaluate` scored."""

    record: EvaluationRecord

    @property
    def name(self) -> str:
        return f"{self.workspace.root.name}:e{self.record.number}"

    @property
    def title(self) -> str:
        return f"evaluation e{self.record.number}"

    @property
    def report(self) -> None:
        return None

    @property
    def stages(self) -> dict[str, StageResult]:
        found = {name: self.workspace.find(key) for name, key in self.record.stages.items()}
        # Another's run may have computed it, under another name.
        return {name: replace(stage, stage=name) for name, stage in found.items() if stage is not None}

    @property
    def settings(self) -> dict[str, Any]:
        return self.record.settings

    @property
    def scored(self) -> StageResult | None:
        return self.stages.get("score-evaluation")


def open_iteration(root: str, iteration: int) -> Run:
    """An iteration of a workspace, the latest for 0. Raises `FlywheelError` when there is none."""
    workspace = Workspace.existing(root)
    # Folder 0 holds what `flywheel evaluate` scored: no iteration.
    numbers = [number for number in workspace.iterations() if number > 0]
    if not numbers:
        raise FlywheelError(f"{workspace.root} holds no iteration yet: `flywheel run` makes one.")
    number = iteration or numbers[-1]
    if number not in numbers:
        raise FlywheelError(f"there is no iteration {number}: {', '.join(map(str, numbers))} exist.")
    return Run(workspace, number)


def open_run(name: str, root: str) -> Run:
    """The iteration that a command's argument names; `root` is the workspace unless it names another."""
    folder, _, number = name.rpartition(":")
    if not number.isdecimal():
        raise FlywheelError(
            f"{name!r} names no iteration: write its number, e.g. 2, or FOLDER:2 for another workspace."
        )
    return open_iteration(folder or root, int(number))


def open_scored(name: str, root: str) -> Run:
    """The iteration or the evaluation (`e1`) that a command's argument names."""
    folder, _, number = name.rpartition(":")
    if not re.fullmatch(r"e\d+", number):
        return open_run(name, root)
    workspace = Workspace.existing(folder or root)
    records = evaluations_of(workspace)
    record = next((one for one in records if one.number == int(number[1:])), None)
    if record is None:
        known = ", ".join(f"e{one.number}" for one in records)
        there_are = f"{known} exist" if known else "`flywheel evaluate` makes one"
        raise FlywheelError(f"there is no evaluation {number}: {there_are}.")
    return EvaluationRun(workspace, 0, record)
