"""What a sampler is: requests for completions in, completions out. An engine is one class with this shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tasks.core.records import Message


@dataclass(frozen=True, slots=True)
class Request:
    """`n` completions of one prompt. `top_k` 0 samples among all tokens; `max_tokens` is per completion.

    `prompt` is the prompt as text and `prompt_ids` as the tokens to sample from; where there are none the
    engine encodes the text. `messages` and `prefill` are what was rendered so, for engines that render by
    themselves. A completion ends at a text of `stop` or a token of `stop_token_ids`. `keep_stop`: the text
    that it stopped at is part of it; `special_tokens`: so are marks of the chat, as those around a thought.
    """

    prompt: str
    n: int
    seed: int
    max_tokens: int
    temperature: float
    top_k: int
    stop: tuple[str, ...]
    prompt_ids: tuple[int, ...] = ()
    messages: tuple[Message, ...] = ()
    prefill: str = ""
    stop_token_ids: tuple[int, ...] = ()
    top_p: float = 1.0
    min_p: float = 0.0
    keep_stop: bool = False
    special_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """`finish_reason`: "stop", "length", or "prompt_too_long" (nothing was sampled). `tokens` counts them,
    `ids` are they, in order, with the token that ended the completion; () where an engine does not tell.
    `thought`: what the model thought before, where an engine gives that apart (`reasoning_content`)."""

    text: str
    finish_reason: str
    tokens: int
    ids: tuple[int, ...] = ()
    thought: str = ""


class Sampler(Protocol):
    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """The completions of each request, in order."""
        ...

    def close(self) -> None: ...
