"""Chat formats of small real tokenizers: a token a byte, and the marks that a template needs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from tasks.generation.prompts import Prompt
from tasks.models.chat_format import ChatFormat
from tasks.models.layouts import chatml
from tasks.settings.format import FormatSettings

DEMO = FormatSettings(format="smollm-demo")


def demo_text(prompt: Prompt) -> str:
    """A prompt in the demo's format, as its model sees it."""
    return chatml(prompt.messages, prompt.prefill)


def byte_tokenizer(
    marks: Sequence[str] = ("<|im_start|>", "<|im_end|>"),
    *,
    bos: str | None = None,
    eos: str | None = "<|im_end|>",
    template: str = "",
    adds_bos: bool = False,
    words: Sequence[str] = (),
) -> Any:
    """A byte-level tokenizer of transformers, without merges, whose `marks` are special tokens; `words` are
    added tokens that are none."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    tokenizer.add_tokens([AddedToken(word, special=False, normalized=False) for word in words])
    if adds_bos and bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=eos)
    fast.chat_template = template or None
    return fast


@cache
def demo_format() -> ChatFormat:
    """The demo's format over bytes."""
    return ChatFormat(byte_tokenizer(), DEMO)


def published_template(name: str) -> str:
    """A model family's own chat template, as the package trl carries it: qwen3, llama3_1, gemma3, ..."""
    return (resources.files("trl") / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
