"""Adapters on quantized weights, optimizers of few bits, and checkpoints of half the size."""

from __future__ import annotations

from pathlib import Path

import peft
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tasks.core.errors import FlywheelError
from tasks.settings.training import TrainingSettings
from tasks.training.quantization import check_quantization, on_whole_weights, quantized
from tests.training.test_training import LEARN, ROWS, train_here

pytestmark = pytest.mark.model


def test_an_adapter_is_merged_into_the_weights_as_they_were(tiny: Path) -> None:
    """What is under it while it trains, here weights with noise in place of 4 bits, leaves no trace."""
    torch.manual_seed(0)
    noisy = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    trained = peft.get_peft_model(noisy, config)
    with torch.no_grad():
        for weight in trained.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    adapter = peft.get_peft_model_state_dict(trained)
    merged = on_whole_weights(trained, tiny).merge_and_unload()
    whole = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).state_dict()
    changed = 0
    for name, weight in merged.state_dict().items():
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        if f"{stem}.lora_A.weight" in adapter:
            change = 2 * adapter[f"{stem}.lora_B.weight"] @ adapter[f"{stem}.lora_A.weight"]
            assert torch.allclose(weight, whole[name] + change, atol=1e-5), name
            changed += 1
        else:
            assert torch.equal(weight, whole[name]), name
    assert changed >= 14


def test_a_checkpoint_in_bfloat16_is_the_same_weights_in_half_the_space(tmp_path: Path, tiny: Path) -> None:
    found = {}
    for dtype in ("float32", "bfloat16"):
        out, _ = train_here(
            tmp_path / dtype, tiny, ROWS, LEARN.model_copy(update={"output_dtype": dtype, "sft_epochs": 1})
        )
        found[dtype] = load_file(out / "model.safetensors")
    assert {value.dtype for value in found["bfloat16"].values()} == {torch.bfloat16}
    for name, value in found["float32"].items():
        assert torch.equal(value.to(torch.bfloat16), found["bfloat16"][name]), name


def test_few_bits_want_a_gpu_and_their_package() -> None:
    settings = TrainingSettings(optimizer="adamw_8bit")
    with pytest.raises(FlywheelError, match="on GPUs alone: set them to 'none' and 'adamw' on a CPU"):
        check_quantization(settings, on_gpu=False)
    with pytest.raises(FlywheelError, match=r"bitsandbytes: install it with `pip install .*few-bits"):
        check_quantization(settings, on_gpu=True)
    check_quantization(TrainingSettings(), on_gpu=False)


def test_four_bits_are_asked_for_as_qlora_has_them() -> None:
    asked = quantized(TrainingSettings(method="lora", quantization="4bit"), "bfloat16")
    config = asked["quantization_config"]
    assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
    assert (config.bnb_4bit_use_double_quant, config.bnb_4bit_compute_dtype) == (True, torch.bfloat16)
    assert quantized(TrainingSettings(), "bfloat16") == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"quantization": "4bit"}, "set method to 'lora'"),
        ({"method": "lora", "sharding": "fsdp"}, "an adapter trains with sharding 'none'"),
    ],
)
def test_what_does_not_fit_the_method_is_refused(fields: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainingSettings(**fields)
