"""What changes samples beside model, problems and settings: part of the key of whatever is sampled."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.generation import prompts
from tasks.inference.engines import engine_version
from tasks.models.chat_format import VERSION as FORMAT_VERSION
from tasks.pipeline.stage import IterationContext
from tasks.settings.engine import EngineSettings


@dataclass(frozen=True)
class AskedWith:
    """How a model is asked: the engine by kind and version, and the version of the form that prompts are put
    in, the rest of which are the model's own files and `FormatSettings`."""

    engine: str
    chat_format: str


def asked_with(_context: IterationContext, engine: EngineSettings) -> AskedWith:
    """Raises `FlywheelError` when recorded answers are to be used and cannot be read."""
    return AskedWith(engine_version(engine), f"version {FORMAT_VERSION}, prompts {prompts.VERSION}")
