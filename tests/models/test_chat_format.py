"""Conversations as tokens: each kind of format under real chat templates, token for token."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.core.errors import FlywheelError
from tasks.core.records import Message
from tasks.models.base import cache_folder
from tasks.models.chat_format import ChatFormat, format_of
from tasks.models.resolve import resolve_model
from tasks.models.thoughts import opened_thought, split_thought
from tasks.settings.format import FormatSettings
from tasks.settings.model import ModelSettings
from tests.support.formats import byte_tokenizer, demo_format, published_template

CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LLAMA = (
    *("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"),
    *("<|start_header_id|>", "<|end_header_id|>"),
)
GEMMA = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
DEEPSEEK = tuple(
    f"<\uff5c{word}\uff5c>"
    for word in ("begin\u2581of\u2581sentence", "end\u2581of\u2581sentence", "User", "Assistant")
)
ASKED = (Message("user", "Add two."),)


@dataclass(frozen=True)
class Family:
    """A model family: its published template, its marks, and how its prompt has to look."""

    template: str
    marks: tuple[str, ...]
    shown: str
    end: str
    bos: str | None = None
    eos: str = "<|im_end|>"
    settings: dict[str, Any] = field(default_factory=dict)

    def format(self, **settings: Any) -> ChatFormat:
        tokenizer = byte_tokenizer(
            self.marks,
            bos=self.bos,
            eos=self.eos,
            adds_bos=self.bos is not None,
            template=published_template(self.template),
            words=("<think>", "</think>"),
        )
        return ChatFormat(tokenizer, FormatSettings(**{**self.settings, **settings}))


FAMILIES = {
    "qwen3": Family(
        "qwen3",
        CHATML,
        "<|im_start|>user\nAdd two.<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        "<|im_end|>",
    ),
    "qwen3, thinking": Family(
        "qwen3",
        CHATML,
        "<|im_start|>user\nAdd two.<|im_end|>\n<|im_start|>assistant\n",
        "<|im_end|>",
        settings={"thinking": "keep"},
    ),
    "qwen2.5": Family(
        "qwen2_5",
        CHATML,
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nAdd two.<|im_end|>\n<|im_start|>assistant\n",
        "<|im_end|>",
    ),
    "llama 3.1": Family(
        "llama3_1",
        LLAMA,
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
        "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nAdd two.<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
        bos="<|begin_of_text|>",
        eos="<|end_of_text|>",
    ),
    "gemma 3": Family(
        "gemma3",
        GEMMA,
        "<bos><start_of_turn>user\nAdd two.<end_of_turn>\n<start_of_turn>model\n",
        "<end_of_turn>",
        bos="<bos>",
        eos="<eos>",
    ),
    "deepseek r1": Family(
        "deepseek_r1_distill",
        DEEPSEEK,
        f"{DEEPSEEK[0]}{DEEPSEEK[2]}Add two.{DEEPSEEK[3]}<think>\n",
        DEEPSEEK[1],
        bos=DEEPSEEK[0],
        eos=DEEPSEEK[1],
        settings={"thinking": "drop"},
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_conversation_is_the_tokens_of_the_published_template(name: str) -> None:
    family = FAMILIES[name]
    chat_format = family.format()
    prompt = chat_format.render(ASKED)
    assert (chat_format.kind, prompt.text) == ("chat", family.shown)
    assert chat_format.decode(prompt.ids) == family.shown
    mark = chat_format.tokenizer.convert_tokens_to_ids
    bos = mark(family.bos) if family.bos else None
    assert prompt.ids.count(bos) == (bos is not None)
    assert prompt.ids[0] == (bos if bos is not None else mark("<|im_start|>"))
    assert chat_format.end_id == mark(family.end)
    assert {mark(family.end), mark(family.eos)} <= set(chat_format.stop_ids)
    # A row ends in the assistant's own mark, also where the engine stopped at another one, or at none.
    for ends in ((), (mark(family.eos),), (mark(family.end),)):
        assert chat_format.ended((65, *ends)) == (65, mark(family.end))
    assert chat_format.completion_ids(prompt, "ok") == (*map(mark, "ok"), mark(family.end))
    assert {"<|im_start|>", "<start_of_turn>", LLAMA[3], DEEPSEEK[2]} & set(chat_format.template_marks())
    assert all(len(chat_format.tokenizer.encode(one, add_special_tokens=False)) == 1
               for one in chat_format.template_marks())  # fmt: skip


@pytest.mark.model
def test_smollm2_is_spoken_to_in_its_own_template() -> None:
    folder = resolve_model(ModelSettings(), cache_folder(), print)
    chat, demo = format_of(folder, FormatSettings()), format_of(folder, FormatSettings(format="smollm-demo"))
    assert (chat.kind, demo.kind) == ("chat", "smollm-demo")
    system = Message("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    # What the demo writes by hand is what the template writes by itself.
    assert chat.render(ASKED) == demo.render((system, *ASKED))
    assert chat.end_id == demo.end_id == chat.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert chat.decode(chat.render(ASKED, "```python\n").ids).endswith("assistant\n```python\n")
    assert chat.completion_ids(chat.render(ASKED), "ok") == demo.completion_ids(demo.render(ASKED), "ok")


def test_a_base_model_completes_text_behind_one_bos() -> None:
    tokenizer = byte_tokenizer(("<bos>", "<eos>"), bos="<bos>", eos="<eos>", adds_bos=True)
    base = ChatFormat(tokenizer, FormatSettings())
    assert (base.kind, base.prefill, base.worked_example) == ("completion", "fence", True)
    shown = (Message("user", "Q"), Message("assistant", "A"), Message("user", "R"))
    prompt = base.render(shown, "```python\n")
    assert base.decode(prompt.ids) == "<bos>Q\nA\n\nR\n```python\n"
    assert base.completion_ids(prompt, "x") == tuple(tokenizer.convert_tokens_to_ids(["x", "<eos>"]))


def test_a_template_without_bos_gets_the_one_that_its_tokenizer_adds() -> None:
    template = "{% for m in messages %}<turn>{{ m.content }}{% endfor %}<turn>"
    for written in ("", "{{ bos_token }}"):
        tokenizer = byte_tokenizer(
            ("<bos>", "<eos>", "<turn>"), bos="<bos>", eos="<eos>", adds_bos=True, template=written + template
        )
        chat_format = ChatFormat(tokenizer, FormatSettings())
        assert chat_format.decode(chat_format.render(ASKED).ids) == "<bos><turn>Add two.<turn>"


@given(st.lists(st.sampled_from([*CHATML, "</s>", "a", " ", "\n"]), max_size=12))
def test_what_people_wrote_holds_no_mark_of_the_chat(parts: list[str]) -> None:
    chat_format = _QWEN
    text = "".join(parts)
    prompt = chat_format.render((Message("user", text),))
    marks = {chat_format.tokenizer.convert_tokens_to_ids(mark) for mark in CHATML}
    assert sum(token in marks for token in prompt.ids) == 3
    if not set(parts) & set(CHATML):
        assert text in prompt.text


_QWEN = FAMILIES["qwen3"].format()


def test_a_thought_that_the_template_opens_is_closed_where_thinking_is_off() -> None:
    family = FAMILIES["deepseek r1"]
    assert family.format().render(ASKED).opened == ("<think>", "</think>")
    closed = family.format(thinking="off").render(ASKED)
    assert closed.opened is None
    assert closed.text == f"{family.shown}\n</think>\n\n"
    assert opened_thought(family.shown) == ("<think>", "</think>")
    assert opened_thought(closed.text) is None


def test_arguments_and_the_system_text_reach_the_template() -> None:
    llama = FAMILIES["llama 3.1"].format(system="Be brief.", template_arguments=['date_string="1 May 2030"'])
    assert "Today Date: 1 May 2030\n\nBe brief.<|eot_id|>" in llama.render(ASKED).text
    thinking = FAMILIES["qwen3"].format(template_arguments=["enable_thinking=true"])
    assert "<think>" not in thinking.render(ASKED).text


def test_what_cannot_be_is_said_in_one_sentence_with_the_next_step(tmp_path: Path) -> None:
    plain = byte_tokenizer(("<eos>",), eos="<eos>")
    with pytest.raises(FlywheelError, match=r"has no chat template: choose 'completion' \(or 'auto'\)"):
        ChatFormat(plain, FormatSettings(format="chat"), "tiny")
    template = published_template("gemma3")
    nameless = byte_tokenizer(GEMMA, eos="<eos>", template=template)
    with pytest.raises(FlywheelError, match=r"begins with bos_token, but its tokenizer names none: set bos"):
        ChatFormat(nameless, FormatSettings(), "gemma")
    with pytest.raises(FlywheelError, match="names no token that ends a text: set eos_token"):
        ChatFormat(byte_tokenizer(GEMMA, bos="<bos>", eos=None), FormatSettings(), "gemma")
    strict = Family("gemma", GEMMA, "", "<end_of_turn>", "<bos>", "<eos>").format(system="Be brief.")
    with pytest.raises(
        FlywheelError, match=r"refuses .* of system, user \(System role not supported\): leave"
    ):
        strict.render(ASKED)
    (tmp_path / "tokenizer.json").write_text("no")
    with pytest.raises(FlywheelError, match=r"tokenizer in .* cannot be loaded .*put the model's tokenizer"):
        format_of(tmp_path, FormatSettings())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"thinking": "keep", "prefill": "fence"}, "no thought can come before it"),
        ({"format": "smollm-demo", "prefill": "none"}, "one fixed layout"),
        ({"format": "smollm-demo", "system": "x"}, "one fixed layout"),
        ({"template_arguments": ["no"]}, "write an argument of the template as name=value"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FormatSettings(**settings)


def test_settings_of_version_0_1_name_a_layout() -> None:
    assert FormatSettings.model_validate({"layout": "chatml"}).format == "smollm-demo"
    plain = FormatSettings.model_validate({"layout": "plain"})
    assert (plain.format, plain.prefill) == ("completion", "body")


def test_thought_and_answer_are_told_apart() -> None:
    opened = ("<think>", "</think>")
    assert split_thought("<think>\nhm\n</think>\n\nx = 1").answer == "x = 1"
    assert split_thought("hm\n</think>\nx = 1", opened).thought == "hm"
    assert split_thought("[THINK]hm[/THINK]x = 1").answer == "x = 1"
    assert not split_thought("<think>\nfor ever").closed
    assert not split_thought("for ever", opened).closed
    # The decoder left the opening mark out.
    assert split_thought("hm\n</think>\n\nx = 1").answer == "x = 1"
    for text in ("x = '</think>'", "x = '<think>'", "no thought"):
        assert split_thought(text).answer == text


def test_the_demo_is_chatml_by_hand() -> None:
    prompt = demo_format().render(ASKED, "```")
    assert prompt.text == "<|im_start|>user\nAdd two.<|im_end|>\n<|im_start|>assistant\n```"
    assert demo_format().stop_ids == ()
    assert not demo_format().is_verbatim
