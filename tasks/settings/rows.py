"""Settings of which rows are trained on."""

from __future__ import annotations

from pydantic import Field

from tasks.settings.base import SettingsModel


class RowSettings(SettingsModel):
    """Which rows of this and earlier iterations are trained on."""

    replay_iterations: int = Field(
        8, ge=0, le=10_000, description="Earlier iterations whose rows are trained on too."
    )
    include_rolled_back: bool = Field(
        False, description="Train on rows of rolled-back iterations too (they are kept in any case)."
    )
    max_rows: int = Field(
        10_000, ge=1, le=100_000_000, description="SFT rows, and pairs, of one iteration, at most."
    )
    age_decay: float = Field(
        0.7, gt=0, le=1, description="An iteration's cap is max_rows x age_decay to the power of its age."
    )
    per_problem: int = Field(
        4, ge=1, le=1000, description="Rows a problem and role over all iterations; new shapes come first."
    )
    max_role_ratio: float = Field(
        3.0, ge=1, le=1000, description="Rows of one role for one of the other, at most."
    )
    max_one_liner_share: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Largest share of solver rows whose program is one line (pairs: preferred to longer); "
        "half of the role's rows stay in any case.",
    )
    max_uniform_share: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Largest share of verifier rows whose cases all expect one value; half of the role's "
        "rows stay in any case.",
    )
    max_shorter_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Largest share of a role's pairs whose chosen text is shorter than the rejected one, "
        "before some are held out; half of the role's pairs, those nearest in length, stay in "
        "any case.",
    )
    held_out: float = Field(
        0.1, ge=0, lt=1, description="Share of problems whose rows are held out, for early stopping."
    )
    min_held_out: int = Field(
        24,
        ge=1,
        le=1_000_000,
        description="Fewer rows than this are not held out but trained on, since a few rows of one problem "
        "do not tell when to stop.",
    )
