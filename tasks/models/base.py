"""The model that the first iteration starts from, as a checkpoint folder with a digest."""

from __future__ import annotations

import os
from pathlib import Path

from prefect import task

from tasks.core.progress import watching
from tasks.models.resolve import model_digest, resolve_model
from tasks.pipeline.artifacts import publish_model
from tasks.pipeline.stage import log_progress
from tasks.pipeline.workspace import ModelRef
from tasks.settings.model import ModelSettings


def cache_folder() -> Path:
    """Where models are kept between workspaces: FLYWHEEL_CACHE_DIR, else the user's cache folder."""
    configured = os.environ.get("FLYWHEEL_CACHE_DIR")
    return Path(configured) if configured else Path.home() / ".cache" / "solver-verifier-flywheel"


@task(name="base-model", task_run_name="base-model")
def base_model(settings: ModelSettings) -> ModelRef:
    """Find, fetch or build the base model. Raises `FlywheelError` when it cannot be had."""
    with watching("base-model", log_progress):
        folder = resolve_model(settings, cache_folder(), log_progress)
        model = ModelRef(str(folder), model_digest(folder), f"base model {settings.name}")
    publish_model(model)
    return model
