"""Settings of what a model is scored on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tasks.settings.base import SettingsModel

# Which there are is known where benchmarks are registered, with those that installed packages bring.
BenchmarkName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.+-]{0,63}$")]


@dataclass(frozen=True)
class MetricSettings:
    """What of the evaluation's settings metrics and their intervals depend on."""

    k: tuple[int, ...]
    bootstrap: int


class EvaluationSettings(SettingsModel):
    """What a model is scored on. Dev decides, test is only reported."""

    benchmarks: list[BenchmarkName] = Field(
        ["starter"],
        min_length=1,
        description="Benchmarks: starter, mbpp, mbpp-plus, humaneval, humaneval-plus, livecodebench, "
        "livecodebench-output, and what installed packages register; all but starter come from files in "
        "FLYWHEEL_DATA_DIR (else mbpp and both of LiveCodeBench from the hub, humaneval from its package).",
    )
    livecodebench_release: str = Field(
        "",
        description="LiveCodeBench's release: release_v1 to release_v6, v4 for the fourth part alone, v4_v6 "
        "for a range; '' for livecodebench.jsonl, else all that is at hand, else release_v1 from the hub.",
    )
    livecodebench_from: str = Field(
        "", description="First contest date that LiveCodeBench counts, 2024-01-31; '' for no bound."
    )
    livecodebench_to: str = Field(
        "", description="Last contest date that LiveCodeBench counts, 2024-01-31; '' for no bound."
    )
    max_problems: int = Field(
        40, ge=0, le=100_000, description="Problems a benchmark and split, the first so many; 0 for all."
    )
    prompt: Literal["self-play", "native"] = Field(
        "self-play",
        description="How code is asked for. self-play: with the prompts that are trained on; native: as each "
        "benchmark publishes (HumanEval and MBPP as evalplus asks, LiveCodeBench as its runner does), so "
        "that pass@1 can be laid beside published figures. Tests are asked for as in self-play.",
    )
    native_tokens: int = Field(
        1024, ge=8, le=131_072, description="Longest answer to a native prompt, in tokens, behind a thought."
    )
    solutions: int = Field(4, ge=1, le=1024, description="Solutions sampled a problem.")
    suites: int = Field(2, ge=1, le=1024, description="Suites sampled a problem, or outputs predicted.")
    temperature: float = Field(0.6, gt=0, le=2, description="Temperature of evaluation.")
    k: list[Annotated[int, Field(ge=1, le=1024)]] = Field(
        [1, 4],
        description="The k of pass@k, at most `solutions` (outputs: `suites`). 1 is among them: the gate's.",
    )
    negatives: int = Field(
        20, ge=0, le=1000, description="Known-wrong solutions a problem that suites should reject, if found."
    )
    bootstrap: int = Field(2000, ge=100, le=100_000, description="Resamples an interval.")

    @field_validator("livecodebench_release")
    @classmethod
    def _is_release(cls, name: str) -> str:
        if name and not re.fullmatch(r"release_(v[1-6]|latest)|v[1-6](_v[1-6])?", name):
            raise ValueError("write release_v1 to release_v6, v4 for the fourth part alone, or v4_v6")
        return name

    @field_validator("k")
    @classmethod
    def _with_one(cls, k: list[int]) -> list[int]:
        if 1 not in k:
            raise ValueError("1 must be among them: the gate reads pass@1")
        return k

    @model_validator(mode="after")
    def _k_is_drawn(self) -> EvaluationSettings:
        if max(self.k) > max(self.solutions, self.suites):
            raise ValueError(f"k {max(self.k)} is more than the {self.solutions} solutions that are drawn")
        return self

    @property
    def metrics(self) -> MetricSettings:
        return MetricSettings(tuple(self.k), self.bootstrap)
