"""Models of old iterations are removed where `training.keep_models` says so; tables and reports stay.

A model that something may still ask for is never removed: the base, every line's champion, what an iteration
that is not finished started from or has made.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from flows.runtime.evaluations import finished_of
from tasks.evaluation.gate import champion_of
from tasks.pipeline.workspace import ModelRef, Workspace

_REMOVED = ".removed"


def prune_models(workspace: Workspace, keep: int, base: ModelRef) -> list[Path]:
    """Remove the models of all finished iterations but the last `keep` (0: none is removed); returns their
    folders."""
    if keep == 0:
        return []
    _sweep(workspace)
    finished = finished_of(workspace)
    old = sorted(finished)[:-keep]
    needed = _needed(workspace, set(old), base)
    removed = []
    for number in old:
        for folder in _folders(workspace, number):
            if folder.is_dir() and folder not in needed:
                # Half a model must not be taken for one by whoever comes while it is deleted.
                gone = folder.with_name(f".{folder.name}{_REMOVED}")
                folder.rename(gone)
                shutil.rmtree(gone)
                removed.append(folder)
    return removed


def _needed(workspace: Workspace, old: set[int], base: ModelRef) -> set[Path]:
    finished = finished_of(workspace)
    after = max(finished, default=0) + 1
    lines = {base.digest: base}
    for result in finished.values():
        # Where a base lies that is not this run's does not matter here: no folder of an iteration is it.
        lines.setdefault(result.base_digest, ModelRef("", result.base_digest, ""))
    unfinished = [number for number in workspace.iterations() if number and number not in finished]
    champions = [
        champion_of(workspace, line, number) for line in lines.values() for number in [after, *unfinished]
    ]
    needed = {workspace.path(model).resolve() for model in champions if model.path}
    for number in set(workspace.iterations()) - old:
        needed.update(_folders(workspace, number))
    return needed


def _folders(workspace: Workspace, iteration: int) -> list[Path]:
    """The folders of the models that an iteration's stages name, those inside the workspace's iterations."""
    inside = (workspace.root / "iterations").resolve()
    paths = (
        workspace.path(model).resolve()
        for stage in workspace.stages(iteration)
        for model in stage.models.values()
    )
    return list(dict.fromkeys(path for path in paths if path.is_relative_to(inside)))


def _sweep(workspace: Workspace) -> None:
    """What a kill left half removed."""
    left: Iterable[Path] = (workspace.root / "iterations").glob(f"*/*/.*{_REMOVED}")
    for folder in left:
        shutil.rmtree(folder)
