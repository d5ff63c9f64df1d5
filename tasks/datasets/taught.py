"""What a row trains: a sample's answer as it came, token by token, or text that was put together anew."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.core.records import Message, Sample
from tasks.generation.prompts import Prompt, Refusal
from tasks.models.thoughts import opened_thought, split_thought
from tasks.settings.format import FormatSettings


@dataclass(frozen=True, slots=True)
class Taught:
    """One side of a row: its text, the sampled tokens that it is (() where it was written anew), and the
    program or tests in it that were judged."""

    text: str
    lesson: str
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedPrompt:
    """What samples of one role and problem were asked with: `text` is how the model saw it, `digest` the
    `ids_digest` of that."""

    text: str
    messages: tuple[Message, ...]
    prefill: str
    digest: str = ""

    @property
    def prompt(self) -> Prompt:
        return Prompt(self.messages, self.prefill, ())


def as_sampled(sample: Sample, lesson: str, settings: FormatSettings) -> Taught | Refusal:
    """The answer of a sample as it came; with thinking "drop" without its thought.

    Reasons: `cut_off` (it ended at the token limit, so no end may be taught), `ran_on` (it went on into a
    question of its own, as base models do).
    """
    if sample.finish_reason == "length":
        return Refusal("cut_off", "raise sampling.max_solution_tokens or sampling.max_suite_tokens")
    if sample.completion.endswith("\nTask:"):
        return Refusal("ran_on", sample.completion[-200:])
    text, ids = sample.completion, sample.completion_ids
    if settings.thinking == "drop" and (opened := opened_thought(sample.prompt)):
        parts = split_thought(text, opened)
        text, ids = f"{opened[1]}\n\n{parts.answer}", ids[sample.thought_tokens :]
    elif settings.thinking == "drop":
        text, ids = split_thought(text).answer, ids[sample.thought_tokens :]
    return Taught(text, lesson, ids)
