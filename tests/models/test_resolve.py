"""Where a model comes from, and that what is built is what was packaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.models.resolve import resolve_model
from tasks.settings.model import ModelSettings


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return resolve_model(ModelSettings(), tmp_path_factory.mktemp("cache"), lambda text: None)


@pytest.mark.model
def test_the_packaged_model_cuts_digits_apart_as_it_was_trained_to(packaged: Path) -> None:
    """Its file names llama.cpp's rule "smollm": every digit by itself first, then GPT-2's words."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(packaged)
    assert tokenizer.tokenize("    12345") == ["ĠĠĠĠ", *"12345"]
    assert tokenizer.tokenize("x = 10\n        100") == ["x", "Ġ=", "Ġ", *"10", "ĊĠĠĠĠĠĠĠĠ", *"100"]
    assert tokenizer.tokenize("    return 7") == ["ĠĠĠ", "Ġreturn", "Ġ", "7"]
    text = "assert f(-12, [3.50]) == {'a1': 1_000}\n\n\t# 42nd"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@pytest.mark.model
def test_the_packaged_model_ends_its_texts_as_it_was_trained_to(packaged: Path) -> None:
    folder = packaged
    config = json.loads((folder / "config.json").read_text())
    words = {
        token["content"]: token["id"]
        for token in json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    }
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    assert tokenizer["eos_token"] == "<|im_end|>"
    assert words[tokenizer["eos_token"]] == config["eos_token_id"]
    assert words[tokenizer["pad_token"]] == config["pad_token_id"]
