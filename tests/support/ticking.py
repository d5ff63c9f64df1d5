"""Small flows for tests of serving: they are imported by the name of this module."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.runtime.given import settings_given
from tasks.settings.iteration import IterationSettings


@flow
def tick() -> str:
    """Run at once and end."""
    return "tick"


@flow(validate_parameters=False)
def tell(settings: IterationSettings) -> dict[str, Any]:
    """The settings as a flow of ours gets them."""
    return settings_given(settings).model_dump(mode="json")
