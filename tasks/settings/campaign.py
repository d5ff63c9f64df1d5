"""Settings of how many iterations a campaign has, and when it stops."""

from __future__ import annotations

from pydantic import Field

from tasks.settings.base import SettingsModel


class CampaignSettings(SettingsModel):
    """How many iterations, and when to stop before."""

    iterations: int = Field(
        3, ge=1, le=10_000, description="Iterations of a campaign, finished ones included."
    )
    patience: int = Field(
        3,
        ge=0,
        le=10_000,
        description="Stop after so many iterations in a row without a promotion; 0: never.",
    )
    min_precision: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Stop when the audits of an iteration show that fewer of the chosen solutions are "
        "right, by the upper end of the 95 % interval of at least 30; 0: never.",
    )
