"""The two layouts of a conversation that no tokenizer brings: ChatML by hand, and plain text."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.records import Message


def chatml(messages: Sequence[Message], prefill: str = "") -> str:
    """ChatML as SmolLM2 and Qwen were trained on it, up to the answer's first words."""
    turns = "".join(f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in messages)
    return f"{turns}<|im_start|>assistant\n{prefill}"


def plain_text(messages: Sequence[Message], prefill: str = "") -> str:
    """Questions and answers one after the other, a blank line behind each answer."""
    parts = [f"{turn.content.rstrip()}\n" + "\n" * (turn.role != "user") for turn in messages]
    return "".join(parts) + prefill
