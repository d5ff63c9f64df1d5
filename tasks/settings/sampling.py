"""Settings of how many solutions and suites are written, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings.base import SettingsModel


class SamplingSettings(SettingsModel):
    """How the model writes solutions and suites."""

    layout: Literal["chatml", "plain"] = Field(
        "chatml", description="chatml for SmolLM2-Instruct, Qwen and their like; plain for other models."
    )
    solutions: int = Field(12, ge=1, le=1024, description="Solutions sampled a problem (n).")
    suites: int = Field(8, ge=1, le=1024, description="Test suites sampled a problem (m).")
    cases_per_suite: int = Field(4, ge=1, le=50, description="Cases a suite is asked for and cut to.")
    temperature: float = Field(0.8, gt=0, le=2, description="Sampling temperature.")
    low_temperature_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the solutions that is drawn at low_temperature, where the model votes more "
        "often for what it is sure of.",
    )
    low_temperature: float = Field(0.4, gt=0, le=2, description="Temperature of that share of the solutions.")
    reference_share: float = Field(
        0.7,
        ge=0,
        le=1,
        description="Share of the solutions that the reference model, which is the base model, writes once "
        "another model is champion; lower it for models whose solutions get better.",
    )
    top_k: int = Field(50, ge=0, le=10_000, description="Sample among so many tokens; 0 for all.")
    max_solution_tokens: int = Field(128, ge=8, le=32_768, description="Longest solution, in tokens.")
    max_suite_tokens: int = Field(160, ge=8, le=32_768, description="Longest suite, in tokens.")
    max_problem_tokens: int = Field(96, ge=8, le=32_768, description="Longest proposed problem, in tokens.")
    shard_problems: int = Field(
        16, ge=1, le=100_000, description="Problems a shard; a finished shard survives a kill."
    )
    max_context_tokens: int = Field(
        1024, ge=128, le=131_072, description="Prompt plus completion, in tokens."
    )
