"""Settings of what a candidate must show to be promoted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings.base import SettingsModel


class GateSettings(SettingsModel):
    """When a candidate becomes the champion; read on dev only."""

    primary: Literal["solver", "verifier"] = Field(
        "solver",
        description="The role whose gain promotes: by pass@1, or by the strong-suite rate of its tests.",
    )
    tolerance: float = Field(
        0.03,
        ge=0,
        le=1,
        description="How far the other role's 95 % interval may reach below zero, as a fraction: 0.03 is "
        "three points.",
    )
    baseline_check_every: int = Field(
        3,
        ge=0,
        le=10_000,
        description="At every so many promotions since the base was champion the candidate must beat the "
        "base model too, on fresh samples; 0: never.",
    )
