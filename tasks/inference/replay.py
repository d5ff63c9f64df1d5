"""Recorded completions in place of a model: for tests and for runs that cost nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tasks.core.errors import FlywheelError
from tasks.core.jsonl import Row, Text, read_objects, row_of
from tasks.inference.base import Completion, Engine, Request, Sampler, Weights
from tasks.settings.engine import EngineSettings


def recording_digest(path: Path) -> str:
    """SHA-256 of a file of recorded completions, hex. Raises `FlywheelError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FlywheelError(
            f"the recorded completions {path} cannot be read: {error.strerror}; set engine.replay to a "
            "file, or to '' for a model."
        ) from None


class RecordedLine(Row):
    """A prompt with the completions that were recorded of it."""

    prompt: Text
    completions: list[str]


class ReplaySampler:
    """Completions that are already known: for tests and dry runs.

    Recorded texts are repeated in a circle when a request asks for more than there are. Raises
    `FlywheelError` for a prompt that was never recorded.
    """

    def __init__(self, source: Mapping[str, Sequence[str]] | Callable[[Request], Sequence[str]]) -> None:
        self._source = source

    @classmethod
    def from_jsonl(cls, path: Path) -> ReplaySampler:
        """Lines of `{"prompt": .., "completions": [..]}`. Raises `FlywheelError` for anything else."""
        recorded: dict[str, list[str]] = {}
        for where, row in read_objects(path):
            line = row_of(RecordedLine, row, where)
            recorded.setdefault(line.prompt, []).extend(line.completions)
        return cls(recorded)

    @property
    def alive(self) -> bool:
        return True

    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        taken: Counter[str] = Counter()
        return [self._answer(request, taken) for request in requests]

    def close(self) -> None:
        """Holds nothing."""

    def _answer(self, request: Request, taken: Counter[str]) -> list[Completion]:
        texts = self._source(request) if callable(self._source) else self._source.get(request.prompt, ())
        if not texts:
            raise FlywheelError(
                f"no recorded completion for the prompt that ends in {request.prompt[-80:]!r}"
            )
        # A prompt that is asked twice, at two temperatures, goes on where its first answers ended.
        first = taken[request.prompt]
        taken[request.prompt] += request.n
        chosen = [texts[index % len(texts)] for index in range(first, first + request.n)]
        return [Completion(text, "stop", len(text.split())) for text in chosen]


def _recording(settings: EngineSettings) -> Path:
    if not settings.replay:
        raise FlywheelError("engine.kind is 'replay', but engine.replay names no file of completions.")
    return Path(settings.replay)


def _identity(settings: EngineSettings) -> str:
    return f"replay {recording_digest(_recording(settings))}"


def _check(settings: EngineSettings) -> None:
    ReplaySampler.from_jsonl(_recording(settings))


def _open(weights: Weights, settings: EngineSettings, log_folder: Path) -> Sampler:
    return ReplaySampler.from_jsonl(_recording(settings))


ENGINE = Engine("replay", _identity, _open, _check)
