"""Options that several commands of `flywheel` have, and the settings that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Preset = Annotated[
    str, typer.Option("--preset", help="Shipped settings: smoke, demo, cpu-night, gpu-1b, qwen3-4b, ...")
]
Config = Annotated[Path | None, typer.Option("--config", help="TOML file of settings, over the preset.")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, e.g. sampling.solutions=16. Repeatable.")
]
WorkspaceOption = Annotated[
    str, typer.Option("--workspace", help="Workspace folder (default: the settings' own).")
]


def settings_of(preset: str, config: Path | None, assignments: list[str] | None, workspace: str) -> Any:
    """The settings that a command line names, as `IterationSettings`.

    Raises `FlywheelError` naming the field of a wrong value.
    """
    from tasks.settings.loading import load_settings

    extra = [f"workspace={workspace!r}"] if workspace else []
    return load_settings(preset, config, (*(assignments or ()), *extra))
