"""From training rows to token rows: what fits, in which order, and where the loss lies.

TRL would tokenize by itself, as one text: `assert f(` + `[1])` then merges into the token `([`, and TRL
trains a context without its `(`, which the model never meets when it samples. Two thirds of the
verifier's rows begin with such a merge (SmolLM2's tokenizer), so rows are tokenized here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from tasks.core.errors import FlywheelError
from tasks.core.records import Pair, SftRow

Stage = Literal["sft", "dpo"]
_Row = TypeVar("_Row", SftRow, Pair)


class Tokenizer(Protocol):
    """What a plan needs of a tokenizer (a transformers one fits)."""

    eos_token_id: Any

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> Any: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """Token rows ready for TRL, in training order, and the ids of rows that were longer than the limit.

    SFT rows hold `input_ids` and `labels` (-100 over the prompt); DPO rows hold `prompt_ids`, `chosen_ids`
    and `rejected_ids`.
    """

    rows: tuple[dict[str, list[int]], ...]
    too_long: tuple[str, ...]


def plan_sft(rows: Sequence[SftRow], tokenizer: Tokenizer, max_length: int, seed: int) -> Plan:
    """Tokenize SFT rows; loss on the completion and its end-of-text token alone."""

    def encode(row: SftRow) -> tuple[int, dict[str, list[int]]]:
        prompt = _prompt_ids(row.prompt, tokenizer)
        completion = _completion_ids(row.prompt, prompt, row.completion, tokenizer)
        labels = [-100] * len(prompt) + completion
        return len(labels), {"input_ids": prompt + completion, "labels": labels}

    return _plan(rows, encode, max_length, seed)


def plan_dpo(pairs: Sequence[Pair], tokenizer: Tokenizer, max_length: int, seed: int) -> Plan:
    """Tokenize preference pairs; a pair is as long as its longer side."""

    def encode(pair: Pair) -> tuple[int, dict[str, list[int]]]:
        prompt = _prompt_ids(pair.prompt, tokenizer)
        chosen = _completion_ids(pair.prompt, prompt, pair.chosen, tokenizer)
        rejected = _completion_ids(pair.prompt, prompt, pair.rejected, tokenizer)
        length = len(prompt) + max(len(chosen), len(rejected))
        return length, {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}

    return _plan(pairs, encode, max_length, seed)


def read_rows(path: Path, stage: Stage) -> list[SftRow] | list[Pair]:
    """Rows of a JSONL file, one `SftRow` (sft) or `Pair` (dpo) a line.

    Raises:
        FlywheelError: the file cannot be read, or a line is no such row.
    """
    kind = SftRow if stage == "sft" else Pair
    rows: list[Any] = []
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                values = json.loads(line)
                rows.append(kind(**{**values, "sources": tuple(values.get("sources", ()))}))
    except OSError as error:
        raise FlywheelError(f"the rows in {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        where = f"{path}, line {len(rows) + 1}"
        raise FlywheelError(f"{where}: not a row of the {stage} stage ({error})") from error
    return rows


def _plan(
    rows: Sequence[_Row],
    encode: Callable[[_Row], tuple[int, dict[str, list[int]]]],
    max_length: int,
    seed: int,
) -> Plan:
    # Sorted before the shuffle: the same set of rows trains the same weights, however it was gathered.
    ordered = sorted(rows, key=lambda row: row.row_id)
    random.Random(seed).shuffle(ordered)
    kept: list[dict[str, list[int]]] = []
    too_long: list[str] = []
    for row in ordered:
        length, encoded = encode(row)
        if length > max_length:
            too_long.append(row.row_id)
        else:
            kept.append(encoded)
    return Plan(tuple(kept), tuple(sorted(too_long)))


def _prompt_ids(prompt: str, tokenizer: Tokenizer) -> list[int]:
    return list(tokenizer(prompt)["input_ids"])


def _completion_ids(prompt: str, prompt_ids: list[int], completion: str, tokenizer: Tokenizer) -> list[int]:
    # As one text where nothing merges: a SentencePiece tokenizer would begin a lone completion with a space.
    together = list(tokenizer(prompt + completion)["input_ids"])
    if together[: len(prompt_ids)] == prompt_ids:
        ids = together[len(prompt_ids) :]
    else:
        ids = list(tokenizer(completion, add_special_tokens=False)["input_ids"])
    return ids if ids[-1:] == [tokenizer.eos_token_id] else [*ids, int(tokenizer.eos_token_id)]
