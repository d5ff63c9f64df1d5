"""Thoughts of a reasoning model: where one ends among the tokens of an answer, its budget and the answer's,
and what is left to read for code."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from tasks.core.records import Sample
from tasks.generation.prompts import Refusal
from tasks.inference.base import Completion
from tasks.models.chat_format import ChatFormat, Rendered
from tasks.models.thoughts import MARKS, opened_thought, split_thought
from tasks.settings.format import FormatSettings

THOUGHT_TOO_LONG = "thought_too_long"


def within_budgets(
    completion: Completion, prompt: Rendered, chat_format: ChatFormat, thought: int, answer: int
) -> tuple[Completion, int]:
    """A completion cut to `answer` tokens behind its thought, and how many tokens come before the answer; its
    finish reason is `THOUGHT_TOO_LONG` where the thought took more than `thought` tokens or never ended.

    Of an answer whose thought the prompt opened, the closing mark is part. A thought that an engine gives
    apart is put in front of its answer, also where thoughts are off, so that it is seen to be one.
    """
    if completion.thought:
        opening, closing = prompt.opened or MARKS[0]
        shown = "" if prompt.opened else f"{opening}\n"
        text = f"{shown}{completion.thought.strip()}\n{closing}\n\n{completion.text}"
        completion = replace(completion, text=text, thought="")
    if not chat_format.thinks or completion.finish_reason == "prompt_too_long":
        return completion, 0
    parts = split_thought(completion.text, prompt.opened)
    if not parts.closed:
        used_up = completion.finish_reason == "length" or completion.tokens > thought
        reason = THOUGHT_TOO_LONG if used_up else completion.finish_reason
        return replace(completion, finish_reason=reason), completion.tokens
    if not parts.thought and not prompt.opened:
        before = 0
    elif completion.ids:
        before = _tokens_before_answer(completion.ids, prompt, chat_format)
    else:
        before = chat_format.count(completion.text) - chat_format.count(parts.answer)
    if before > thought:
        return replace(completion, finish_reason=THOUGHT_TOO_LONG), before
    if completion.ids and len(completion.ids) - before > answer + 1:
        ids = completion.ids[: before + answer]
        cut = replace(completion, text=chat_format.decode(ids), finish_reason="length", ids=ids)
        return replace(cut, tokens=len(ids)), before
    return completion, before


def _tokens_before_answer(ids: tuple[int, ...], prompt: Rendered, chat_format: ChatFormat) -> int:
    closings = [prompt.opened[1]] if prompt.opened else [closing for _, closing in MARKS]
    text = chat_format.decode(ids)
    closing = min((one for one in closings if one in text), key=text.find, default="")
    if not closing:
        return 0
    # How many tokens it takes until the mark is whole; decoding a prefix never takes text back.
    whole = bisect_left(range(len(ids) + 1), True, key=lambda n: closing in chat_format.decode(ids[:n]))
    if prompt.opened:
        return next(n for n in reversed(range(whole)) if closing in chat_format.decode(ids[n:whole]))
    while whole < len(ids) and not chat_format.decode(ids[whole : whole + 1]).strip():
        whole += 1
    return whole


def without_thought(sample: Sample, settings: FormatSettings) -> str | Refusal:
    """What of a sample is read for code: the completion behind its thought.

    Reasons: `thought_too_long` (it took the thought's budget), `thought_forbidden` (settings.thinking is
    "off", and it thought), `only_reasoning` (the thought never ended).
    """
    if settings.format == "smollm-demo" or not sample.messages:
        return sample.completion
    if sample.finish_reason == THOUGHT_TOO_LONG:
        return Refusal(THOUGHT_TOO_LONG, "raise sampling.max_thought_tokens")
    parts = split_thought(sample.completion, opened_thought(sample.prompt))
    if parts.thought and settings.thinking == "off":
        return Refusal("thought_forbidden", parts.thought[:200])
    return parts.answer if parts.closed else Refusal("only_reasoning", parts.thought[:200])
