"""Where a model comes from, and that what is built is what was packaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.models import resolve_model
from tasks.settings import ModelSettings


@pytest.mark.model
def test_the_packaged_model_ends_its_texts_as_it_was_trained_to(tmp_path: Path) -> None:
    folder = resolve_model(ModelSettings(), tmp_path, lambda text: None)
    config = json.loads((folder / "config.json").read_text())
    words = {
        token["content"]: token["id"]
        for token in json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    }
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    assert tokenizer["eos_token"] == "<|im_end|>"
    assert words[tokenizer["eos_token"]] == config["eos_token_id"]
    assert words[tokenizer["pad_token"]] == config["pad_token_id"]
