"""Every setting of an iteration: described, bounded, and shown by the Prefect UI as a form.

No unions and no free dictionaries, since the UI's forms cannot draw them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from tasks.settings.agreement import AgreementSettings
from tasks.settings.base import SettingsModel
from tasks.settings.campaign import CampaignSettings
from tasks.settings.engine import EngineSettings
from tasks.settings.evaluation import EvaluationSettings
from tasks.settings.gate import GateSettings
from tasks.settings.judging import JudgingSettings
from tasks.settings.model import ModelSettings
from tasks.settings.preferences import PreferenceSettings
from tasks.settings.problems import ProblemSettings
from tasks.settings.renamed import with_new_names
from tasks.settings.rows import RowSettings
from tasks.settings.sampling import SamplingSettings
from tasks.settings.sandbox import SandboxSettings
from tasks.settings.training import TrainingSettings


class IterationSettings(SettingsModel):
    """All settings of an iteration."""

    workspace: str = Field(
        "workspace", min_length=1, description="Folder that holds tables, models, manifests."
    )
    iteration: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Iteration to run or resume; 0: the unfinished one with these settings, else a new one.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of everything drawn.")
    schedule: str = Field(
        "",
        description="Cron, UTC, e.g. '0 2 * * *', that `flywheel serve` gives the iteration; '' for none. "
        "In a run's form it does nothing.",
    )
    model: ModelSettings = Field(
        default_factory=ModelSettings, description="The base model: name, source, numbers."
    )
    engine: EngineSettings = Field(
        default_factory=EngineSettings, description="What samples: vLLM on CPU or GPU, or servers."
    )
    problems: ProblemSettings = Field(
        default_factory=ProblemSettings,
        description="Where problems come from, and how many an iteration has.",
    )
    sampling: SamplingSettings = Field(
        default_factory=SamplingSettings, description="How many solutions and suites are written, and how."
    )
    sandbox: SandboxSettings = Field(
        default_factory=SandboxSettings, description="The containers that run what was written."
    )
    judging: JudgingSettings = Field(
        default_factory=JudgingSettings,
        description="How execute and agree judge what their files leave open; no iteration reads it.",
    )
    agreement: AgreementSettings = Field(
        default_factory=AgreementSettings, description="What is believed: the filter and its thresholds."
    )
    preferences: PreferenceSettings = Field(
        default_factory=PreferenceSettings, description="What is made of kept problems: rows and pairs."
    )
    rows: RowSettings = Field(
        default_factory=RowSettings, description="Which rows, of this and earlier iterations, are trained on."
    )
    training: TrainingSettings = Field(
        default_factory=TrainingSettings, description="SFT, then DPO with an SFT term."
    )
    evaluation: EvaluationSettings = Field(
        default_factory=EvaluationSettings,
        description="What a model is scored on: dev decides, test does not.",
    )
    gate: GateSettings = Field(
        default_factory=GateSettings, description="What a candidate must show to be promoted."
    )
    campaign: CampaignSettings = Field(
        default_factory=CampaignSettings,
        description="How many iterations `campaign` makes, and when it stops.",
    )

    @model_validator(mode="before")
    @classmethod
    def _by_todays_names(cls, given: Any) -> Any:
        return with_new_names(given) if isinstance(given, Mapping) else given

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str) -> str:
        if not schedule:
            return schedule
        # Prefect judges at last; it takes a second to import, and most commands have no schedule.
        from prefect.client.schemas.schedules import CronSchedule

        try:
            if len(schedule.split()) != 5:
                raise ValueError
            CronSchedule(cron=schedule, timezone="UTC")
        except ValueError:
            raise ValueError(
                "no five fields of cron (minute, hour, day, month, day of the week), e.g. 0 2 * * *"
            ) from None
        return schedule


# By section: what only fits a run to its machine.
NOT_IN_CACHE_KEY: dict[str, set[str]] = {
    section: set(field.annotation.NOT_IN_CACHE_KEY)
    for section, field in IterationSettings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsModel)
}
