"""Settings of SFT and DPO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from tasks.settings.base import SettingsModel


class TrainingSettings(SettingsModel):
    """SFT, then DPO with an SFT term (TRL)."""

    NOT_IN_CACHE_KEY: ClassVar[Mapping[str, str]] = {
        "micro_batch_size": "rows a forward pass; a step sums the same gradients",
        "processes": "GPUs that share the rows of a step",
        "sharding": "where weights lie while they train",
        "reference_batch_size": "pairs a pass of the reference, which no pair's figures depend on",
        "checkpoint_every_s": "how much of the training a kill costs",
        "keep_models": "what stays on the disk",
    }

    train_from: Literal["base", "champion"] = Field("base", description="Weights that training starts from.")
    method: Literal["full", "lora"] = Field(
        "full", description="All weights, or a LoRA adapter that is merged."
    )
    quantization: Literal["none", "4bit"] = Field(
        "none",
        description="How the frozen weights under an adapter are held while it trains: as they are, or in 4 "
        "bits (QLoRA, by bitsandbytes, on GPUs). The checkpoint has it merged into the weights as they were.",
    )
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit"] = Field(
        "adamw",
        description="AdamW with its two numbers a weight in 32 bits, in 8 bits, or in 8 bits in memory that "
        "moves to the host when a GPU is full (both by bitsandbytes, on GPUs).",
    )
    output_dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="What the checkpoint's weights are written as: bfloat16 takes half the disk, and is what "
        "engines on GPUs read; the next stage trains on from it in float32.",
    )
    lora_rank: int = Field(16, ge=1, le=1024, description="Rank of the adapter.")
    sft_learning_rate: float = Field(3e-5, gt=0, le=1, description="Learning rate of SFT.")
    sft_epochs: float = Field(2, gt=0, le=100, description="Passes over the SFT rows.")
    dpo_learning_rate: float = Field(
        5e-6,
        gt=0,
        le=1,
        description="Learning rate of DPO; larger models take less, adapters more.",
    )
    dpo_epochs: float = Field(1, gt=0, le=100, description="Passes over the pairs.")
    dpo_beta: float = Field(0.1, gt=0, le=10, description="Strength of the pull towards the reference.")
    dpo_sft_weight: float = Field(0.2, ge=0, le=10, description="Weight of the SFT term in the DPO loss.")
    batch_size: int = Field(8, ge=1, le=4096, description="Rows a step.")
    micro_batch_size: int = Field(
        4, ge=1, le=1024, description="Rows a forward pass; changes memory and speed, not what is learnt."
    )
    reference_batch_size: int = Field(
        0,
        ge=0,
        le=4096,
        description="Pairs a forward pass of DPO's reference, before training; 0: micro_batch_size.",
    )
    max_length: int = Field(
        1024,
        ge=64,
        le=131_072,
        description="Tokens a row; longer rows are counted and dropped. Below sampling.max_context_tokens "
        "some samples are too long to train on.",
    )
    min_rows: int = Field(4, ge=1, le=1_000_000, description="Fewer rows than this: that stage is skipped.")
    evaluations: int = Field(
        4, ge=1, le=1000, description="Looks at the held-out rows in a run, at least, where there are any."
    )
    patience: int = Field(
        2,
        ge=0,
        le=1000,
        description="Looks in a row without a lower held-out loss before training stops; 0: never. The "
        "weights of the lowest loss are kept.",
    )
    checkpoint_every_s: float = Field(
        600, ge=0, le=1_000_000, description="Seconds of training that a kill costs at most."
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="GPUs that train together, each on its share of a batch; where rows cannot be shared "
        "evenly some are taken twice, and the log says how many.",
    )
    sharding: Literal["none", "fsdp"] = Field(
        "none",
        description="With several processes: each holds all weights, or a share of them, their gradients and "
        "the optimizer's numbers (PyTorch's FSDP), for models that one GPU cannot train.",
    )
    keep_models: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Finished iterations, the latest ones, whose models stay in the workspace; 0: all. The "
        "champion's and what an unfinished iteration needs always stay.",
    )

    @model_validator(mode="after")
    def _fits_the_method(self) -> TrainingSettings:
        if self.quantization != "none" and self.method != "lora":
            raise ValueError("quantization is of the weights under an adapter: set method to 'lora'")
        if self.sharding != "none" and self.method == "lora":
            raise ValueError("sharding is of weights that train: an adapter trains with sharding 'none'")
        return self

    @property
    def needs_bitsandbytes(self) -> bool:
        """Whether it trains with numbers of less than 16 bits."""
        return self.quantization != "none" or self.optimizer != "adamw"
