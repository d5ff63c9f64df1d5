"""Frozen weights in 4 bits under an adapter, by bitsandbytes (QLoRA, Dettmers et al., arXiv 2305.14314)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from tasks.core.errors import FlywheelError
from tasks.settings.training import TrainingSettings


def check_quantization(settings: TrainingSettings, on_gpu: bool) -> None:
    """Raises `FlywheelError` where numbers of few bits are asked for and cannot be had."""
    if not settings.needs_bitsandbytes:
        return
    if not on_gpu:
        raise FlywheelError(
            "training.quantization '4bit' and a training.optimizer of 8 bits train on GPUs alone: set them "
            "to 'none' and 'adamw' on a CPU"
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise FlywheelError(
            "training.quantization and training.optimizer need the package bitsandbytes: install it with "
            "`pip install 'solver-verifier-flywheel[few-bits]'`, or set them to 'none' and 'adamw'"
        )


def quantized(settings: TrainingSettings, dtype: str) -> dict[str, Any]:
    """What a model is loaded with besides: nothing, or normal floats of 4 bits, their scales in 8 bits."""
    if settings.quantization == "none":
        return {}
    import torch
    import transformers

    return {
        "quantization_config": transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        )
    }


def on_whole_weights(model: Any, base: Path) -> Any:
    """A trained adapter on the weights that it was trained on, as they were before they were quantized."""
    import peft
    import torch
    import transformers

    whole = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = peft.get_peft_model(whole, model.peft_config["default"])
    peft.set_peft_model_state_dict(adapted, peft.get_peft_model_state_dict(model))
    return adapted
