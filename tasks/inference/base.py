"""What an engine is: requests for completions in, completions out, from a model by its weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tasks.core.records import Message
from tasks.settings.engine import EngineSettings


@dataclass(frozen=True, slots=True)
class Request:
    """`n` completions of one prompt. `top_k` 0 samples among all tokens; `max_tokens` is per completion.

    `prompt` is the prompt as text and `prompt_ids` as the tokens to sample from; where there are none the
    engine encodes the text. `messages` and `prefill` are what was rendered so, for engines that render by
    themselves. A completion ends at a text of `stop` or a token of `stop_token_ids`. `keep_stop`: the text
    that it stopped at is part of it; `special_tokens`: so are marks of the chat, as those around a thought.
    `is_chat`: the model's own chat template made the prompt, of `messages` behind the `system` message, if
    any, with `template_arguments`.
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
    is_chat: bool = False
    system: str = ""
    template_arguments: tuple[tuple[str, Any], ...] = ()


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
    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        ...

    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """The completions of each request, in order. Several threads may ask at once."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Weights:
    """The model that is to answer: its folder and digest, the numbers it computes with, and how many tokens
    prompt and completion may have together (0: the model's own limit)."""

    folder: Path
    digest: str
    dtype: str
    max_context_tokens: int


@dataclass(frozen=True, slots=True)
class Engine:
    """A kind of engine: `engine.kind` names one, and its samplers answer.

    `identity` says what answers as far as it changes the answers; it is part of the key of all that is
    sampled. `parallel` is how many batches may be asked for at once. `check` looks, before a run starts, at
    what can be known to be wrong. `open` starts a sampler of these weights, with logs in that folder. All of
    them raise `FlywheelError`.
    """

    name: str
    identity: Callable[[EngineSettings], str]
    open: Callable[[Weights, EngineSettings, Path], Sampler]
    check: Callable[[EngineSettings], None] = lambda settings: None
    parallel: Callable[[EngineSettings], int] = lambda settings: 1
