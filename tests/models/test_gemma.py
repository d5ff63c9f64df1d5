"""A second family for real: Gemma 3 270M, a base model with SentencePiece, BOS and no template."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.records import Message
from tasks.generation.format_checks import check_format, checks_of
from tasks.models.base import cache_folder
from tasks.models.chat_format import ChatFormat, format_of
from tasks.settings.sampling import SamplingSettings
from tests.support.formats import published_template
from tests.support.gemma import gemma

pytestmark = [pytest.mark.soak, pytest.mark.model, pytest.mark.timeout(1800)]
ASKED = (Message("user", "Write def larger(a, b):"),)


@pytest.fixture(scope="module")
def folder() -> Path:
    return gemma(cache_folder() / "gemma3-270m")


def test_it_completes_plain_text_behind_one_bos(folder: Path) -> None:
    settings = SamplingSettings()
    base = format_of(folder, settings)
    assert (base.kind, base.tokenizer.chat_template) == ("completion", None)
    assert check_format(folder, settings) == (
        "chat format: completion (sampling.format is 'auto', the tokenizer has no chat template)"
    )
    prompt = base.render(ASKED, "```python\n")
    bos = base.tokenizer.bos_token_id
    assert (prompt.ids[0], prompt.ids.count(bos)) == (bos, 1)
    assert base.decode(prompt.ids) == "<bos>Write def larger(a, b):\n```python\n"
    # SentencePiece begins a lone text with nothing of its own, and indents are tokens.
    body = "def larger(a, b):\n    return max(a, b)\n```"
    assert base.decode(base.completion_ids(prompt, body)) == f"{body}<eos>"


def test_chatml_is_junk_to_it_and_gemmas_own_marks_are_tokens(folder: Path) -> None:
    settings = SamplingSettings()
    tokenizer = format_of(folder, settings).tokenizer
    for template, fits in (("qwen2_5", False), ("gemma3", True)):
        tokenizer.chat_template = published_template(template)
        try:
            (marks,) = [c for c in checks_of(ChatFormat(tokenizer, settings), settings) if c.name == "marks"]
        finally:
            tokenizer.chat_template = None
        assert marks.stops != fits
        assert ("<|im_start|> is 6 tokens" in marks.text) != fits


def test_without_bos_it_is_a_worse_model(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    base = format_of(folder, SamplingSettings())
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = base.render((Message("user", "def larger(a, b):\n    return a if a > b else b"),)).ids

    def loss(tokens: tuple[int, ...]) -> float:
        one = torch.tensor([tokens])
        with torch.no_grad():
            return float(model(one, labels=one).loss)

    assert loss(ids) + 0.5 < loss(ids[1:])
