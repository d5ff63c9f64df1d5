"""How commands name an iteration: `2`, `0` for the latest, `FOLDER:2` in another workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.errors import FlywheelError
from tasks.workspace import StageResult, Workspace


@dataclass(frozen=True)
class Run:
    """One iteration of one workspace."""

    workspace: Workspace
    iteration: int

    @property
    def name(self) -> str:
        return f"{self.workspace.root.name}:{self.iteration}"

    @property
    def report(self) -> dict[str, Any]:
        """The report of a finished iteration, {} of another."""
        return self.workspace.manifest(self.iteration)["finished"] or {}

    @property
    def stages(self) -> dict[str, StageResult]:
        """Finished stages by name, in the order they ran."""
        return {stage.stage: stage for stage in self.workspace.stages(self.iteration)}


def open_iteration(root: str, iteration: int) -> Run:
    """An iteration of a workspace, the latest for 0. Raises `FlywheelError` when there is none."""
    workspace = Workspace.existing(root)
    # Folder 0 holds what `flywheel evaluate` scored: no turn of the wheel.
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
