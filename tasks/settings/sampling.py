"""Settings of how many solutions and suites are written, and how."""

from __future__ import annotations

from pydantic import Field, model_validator

from tasks.settings.format import FormatSettings


class SamplingSettings(FormatSettings):
    """How the model is spoken to, and how it writes solutions and suites."""

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
    top_p: float = Field(
        1.0, gt=0, le=1, description="Sample among the likeliest tokens of so much probability; 1 for all."
    )
    min_p: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Sample among tokens of at least so much of the likeliest one's probability; 0 for all.",
    )
    max_thought_tokens: int = Field(
        2048,
        ge=8,
        le=131_072,
        description="Longest thought before an answer, in tokens, beside the answer's own; with thinking.",
    )
    max_solution_tokens: int = Field(512, ge=8, le=32_768, description="Longest solution, in tokens.")
    max_suite_tokens: int = Field(384, ge=8, le=32_768, description="Longest suite, in tokens.")
    max_problem_tokens: int = Field(128, ge=8, le=32_768, description="Longest proposed problem, in tokens.")
    shard_problems: int = Field(
        16, ge=1, le=100_000, description="Problems a shard; a finished shard survives a kill."
    )
    max_context_tokens: int = Field(
        1024, ge=128, le=131_072, description="Prompt plus completion, in tokens."
    )

    @model_validator(mode="after")
    def _a_thought_fits(self) -> SamplingSettings:
        if self.thinking != "off" and self.max_thought_tokens + 128 > self.max_context_tokens:
            raise ValueError(
                f"max_context_tokens {self.max_context_tokens} leaves no room for a thought of "
                f"max_thought_tokens {self.max_thought_tokens}: raise the former, or lower the latter"
            )
        return self

    @property
    def chat(self) -> FormatSettings:
        """How the model is spoken to, without how it writes."""
        return FormatSettings.model_validate(self.model_dump(include=set(FormatSettings.model_fields)))
