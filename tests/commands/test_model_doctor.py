"""`flywheel doctor --model`: what is looked at, what stops a run, and the prompts as the model sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.commands.model_doctor import examine_model
from flows.runtime.checks import check_lengths
from tasks.core.errors import FlywheelError
from tasks.generation.format_checks import check_format, checks_of
from tasks.models.chat_format import ChatFormat
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings, preset_names
from tasks.settings.sampling import SamplingSettings
from tests.support.formats import byte_tokenizer, published_template

GEMMA = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")


def settings_with(model: Path | str, **sampling: object) -> IterationSettings:
    return IterationSettings.model_validate({"model": {"name": str(model)}, "sampling": sampling})


def found(chat_format: ChatFormat, settings: SamplingSettings, most: int = 0) -> dict[str, tuple[str, bool]]:
    return {check.name: (check.text, check.stops) for check in checks_of(chat_format, settings, most)}


def test_a_model_is_looked_at_and_its_prompts_are_shown(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine_model(settings_with(tiny), json_output=False) == 0
    shown = capsys.readouterr().out
    assert "ok      marks       one token each: <|im_start|> <|im_end|>" in shown
    assert "The verifier is shown, up to its answer:\n<|im_start|>user\nWrite 4 Python asserts" in shown
    assert examine_model(settings_with(tiny, format="completion"), json_output=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["chat_format"]["format"] == "completion"
    assert told["prompts"]["solver"].endswith("Signature: def larger(a, b):\n```python\n")


def test_what_stops_a_run_is_told_with_the_next_step(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The tiny model's texts have 2,048 tokens at most.
    long = settings_with(tiny, max_context_tokens=4096)
    assert examine_model(long, json_output=False) == 1
    assert "missing context" in capsys.readouterr().out
    with pytest.raises(FlywheelError, match=r"2048 tokens, .* is 4096: set sampling.max_context_tokens to"):
        check_format(tiny, long.sampling)
    assert check_format(tiny, SamplingSettings()).startswith(
        "chat format: chat (sampling.format is 'auto', the"
    )


def test_marks_that_are_many_tokens_stop_a_run() -> None:
    """As ChatML is to Gemma's tokenizer: six tokens of junk a mark."""
    gemma = byte_tokenizer(GEMMA, bos="<bos>", eos="<eos>", adds_bos=True)
    gemma.chat_template = published_template("qwen3")
    text, stops = found(ChatFormat(gemma, SamplingSettings()), SamplingSettings())["marks"]
    assert "<|im_start|> is 12 tokens" in text
    assert stops
    gemma.chat_template = published_template("gemma3")
    own = found(ChatFormat(gemma, SamplingSettings()), SamplingSettings())
    assert own["marks"] == ("one token each: <bos> <start_of_turn> <end_of_turn>", False)
    assert own["BOS"] == ("once: <bos>", False)
    assert own["end"][0] == "rows end in <end_of_turn>; sampling stops at <end_of_turn>, <eos>"


def test_a_base_model_whose_bos_nobody_writes_is_noted() -> None:
    """As transformers reads Gemma's GGUF file: a token's negative log-likelihood doubles without it."""
    for eos, noted in (("<eos>", True), ("<bos>", False)):
        tokenizer = byte_tokenizer(("<bos>", "<eos>"), bos="<bos>", eos=eos)
        checks = checks_of(ChatFormat(tokenizer, SamplingSettings()), SamplingSettings())
        (bos,) = [check for check in checks if check.name == "BOS"]
        assert bos.text == "neither the template nor the tokenizer writes <bos>"
        assert ("set add_bos_token" in bos.next_step, bos.stops) == (noted, False)


def test_room_for_prompts_answers_and_thoughts_is_counted() -> None:
    gemma = byte_tokenizer(GEMMA, bos="<bos>", eos="<eos>", adds_bos=True)
    tight = SamplingSettings(max_context_tokens=600)
    (room,) = [check for check in checks_of(ChatFormat(gemma, tight), tight) if check.name == "room"]
    assert "longer answers are cut" in room.next_step
    assert not room.stops


def test_rows_may_be_as_long_as_samples() -> None:
    with pytest.raises(FlywheelError, match=r"max_length 1024 is below sampling.max_context_tokens 2048"):
        check_lengths(settings_with("x", max_context_tokens=2048))
    for name in preset_names():
        check_lengths(load_settings(name))
