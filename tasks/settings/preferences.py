"""Settings of what is made of kept problems: rows and pairs."""

from __future__ import annotations

from pydantic import Field

from tasks.settings.base import SettingsModel


class PreferenceSettings(SettingsModel):
    """How kept problems become rows."""

    sft_per_problem: int = Field(2, ge=1, le=100, description="SFT rows a problem and role, at most.")
    pairs_per_problem: int = Field(2, ge=1, le=100, description="Pairs a problem and role, at most.")
    max_crash_share: float = Field(
        0.25, ge=0, le=1, description="Largest share of solver pairs whose rejected program crashes."
    )
    max_non_killing_share: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Largest share of verifier pairs whose rejected suite contradicts nothing, and only "
        "fails to reject any wrong program.",
    )
    mutants: int = Field(
        6, ge=0, le=1000, description="Mutants a kept problem, made of its winners, that suites may kill."
    )
    recombine: bool = Field(True, description="Suites may be recombined from kept cases (marked as such).")
    pair_rules: list[str] = Field(
        ["solver", "verifier"],
        max_length=32,
        description="Rules that make pairs, in their order: solver, verifier, and what installed "
        "packages register.",
    )
