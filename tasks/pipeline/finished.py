"""What an iteration came to, as later iterations and commands read it; the whole report has more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from tasks.core.errors import FlywheelError
from tasks.core.statistics import Interval
from tasks.pipeline.statistics import Figures
from tasks.pipeline.workspace import ModelRef, Workspace
from tasks.settings.evaluation import EvaluationSettings

SCHEMA_VERSION = 1
"""Of reports. One that holds no number was written by 0.1.0 (`tasks.pipeline.old_manifests`)."""
GateDecision = Literal["promote", "hold", "roll back"]
Model = TypeVar("Model", bound=Figures)


class IterationResult(Figures):
    """An iteration's models and the gate's decision."""

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of this form of the report.")
    iteration: int = Field(description="Number of the iteration.")
    base_digest: str = Field(description="Digest of the model that the first iteration started from.")
    champion: ModelRef = Field(description="The model that wrote the samples.")
    candidate: ModelRef = Field(description="The model that training left; the start where it left none.")
    decision: GateDecision = Field(description="What the gate decided about the candidate.")
    reason: str = Field(description="Why, in a sentence.")
    back_to_base: bool = Field(
        default=False, description="Whether the candidate lost to the base model, which is champion again."
    )
    differences: dict[str, dict[str, Interval]] = Field(
        description="Candidate less champion, paired by problem: benchmark/split -> metric -> interval; {} "
        "without a new model."
    )
    filter_version: int = Field(description="Version of the filter that judged the samples.")

    @property
    def has_new_model(self) -> bool:
        """Whether training left a model that was scored."""
        return bool(self.differences)

    @property
    def of_base(self) -> bool:
        """Whether the champion is the base model."""
        return self.champion.digest == self.base_digest


class Asked(Figures):
    """What a model was asked for its scores."""

    solutions: int = Field(description="Solutions a problem.")
    suites: int = Field(description="Suites a problem.")
    temperature: float = Field(description="Sampling temperature.")
    prompt: Literal["self-play", "native"] = Field(
        default="self-play", description="How code is asked for: as in self-play, or as benchmarks publish."
    )

    @classmethod
    def of(cls, settings: EvaluationSettings) -> Asked:
        return cls(
            solutions=settings.solutions,
            suites=settings.suites,
            temperature=settings.temperature,
            prompt=settings.prompt,
        )


def read_figures(kind: type[Model], plain: Mapping[str, Any], of: str) -> Model:
    """Stored figures as an object; `of` says whose they are. Raises `FlywheelError` where they are of a later
    version or damaged."""
    if (version := plain["schema_version"]) > SCHEMA_VERSION:
        raise FlywheelError(
            f"{of} has schema_version {version}, this program reads up to {SCHEMA_VERSION}: use the "
            "program's version that wrote it."
        )
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise FlywheelError(
            f"{of} is damaged: {'.'.join(map(str, first['loc']))}: {first['msg']}; restore it, or run again."
        ) from None


def finished(workspace: Workspace, iteration: int) -> IterationResult | None:
    """What an iteration came to; None before it is finished. Raises as `read_figures` does."""
    report = workspace.manifest(iteration)["finished"]
    if not report:
        return None
    plain = {name: report[name] for name in IterationResult.model_fields if name in report}
    return read_figures(IterationResult, plain, f"the report of iteration {iteration} in {workspace.root}")
