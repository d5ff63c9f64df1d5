"""What a sampler is: requests for completions in, completions out. An engine is one class with this shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """`n` completions of one prompt. `top_k` 0 samples among all tokens; `max_tokens` is per completion."""

    prompt: str
    n: int
    seed: int
    max_tokens: int
    temperature: float
    top_k: int
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """`finish_reason`: "stop", "length", or "prompt_too_long" (nothing was sampled)."""

    text: str
    finish_reason: str
    tokens: int


class Sampler(Protocol):
    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """The completions of each request, in order."""
        ...

    def close(self) -> None: ...
