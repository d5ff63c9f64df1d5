"""What a model thinks before it answers: the marks around it, and where it ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# How it begins and ends, by model family: the first is the most common by far.
MARKS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer: the thought without its marks, what follows it, and whether the thought was closed (true
    where there is none)."""

    thought: str
    answer: str
    closed: bool = True


def opened_thought(prompt: str) -> tuple[str, str] | None:
    """The marks of a thought that a prompt opens for the model at its very end; None for no such thought."""
    end = prompt.rstrip()
    return next((pair for pair in MARKS if end.endswith(pair[0])), None)


def split_thought(text: str, opened: tuple[str, str] | None = None) -> Parts:
    """Thought and answer of a completion; `opened`: the marks of the thought that its prompt opened."""
    begin = text.lstrip()
    pairs: Sequence[tuple[str, str]] = (opened,) if opened else MARKS
    for opening, closing in pairs:
        if begin.startswith(opening):
            begin = begin[len(opening) :]
        elif opened is None:
            continue
        thought, closed, answer = begin.partition(closing)
        return Parts(thought.strip(), answer.lstrip() if closed else "", bool(closed))
    # The template opened it in words of its own, or the decoder left the opening mark out.
    closing_line = re.search(rf"^[ \t]*{re.escape(MARKS[0][1])}", begin, re.MULTILINE)
    if closing_line is None:
        return Parts("", text)
    return Parts(begin[: closing_line.start()].strip(), begin[closing_line.end() :].lstrip())
