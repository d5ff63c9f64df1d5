"""From training rows to token rows: what fits, in which order, and where the loss lies.

A row's prompt is rendered by the chat format that sampled it, to the same tokens (its digest tells), and a
sampled completion is trained as the tokens it was. TRL would tokenize by itself, as one text: `assert f(` +
`[1])` then merges into the token `([`, and TRL trains a context without its `(`, which the model never meets
when it samples. Two thirds of the verifier's rows begin with such a merge (SmolLM2's tokenizer).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from tasks.core.errors import FlywheelError
from tasks.core.records import Message
from tasks.core.rows import Pair, SftRow
from tasks.models.chat_format import ChatFormat, Rendered

Objective = Literal["sft", "dpo"]
_Row = TypeVar("_Row", SftRow, Pair)


@dataclass(frozen=True, slots=True)
class Plan:
    """Token rows ready for TRL, in training order, and the ids of rows that were longer than the limit.

    SFT rows hold `input_ids` and `labels` (-100 over the prompt); DPO rows hold `prompt_ids`, `chosen_ids`
    and `rejected_ids`.
    """

    rows: tuple[dict[str, list[int]], ...]
    too_long: tuple[str, ...]


def plan_sft(rows: Sequence[SftRow], chat_format: ChatFormat, max_length: int, seed: int) -> Plan:
    """Token rows of SFT rows; loss on the completion and the end of its turn alone.

    Raises `FlywheelError` for a row whose prompt was sampled from other tokens.
    """

    def encode(row: SftRow) -> tuple[int, dict[str, list[int]]]:
        prompt = _prompt(row, chat_format)
        completion = _completion(prompt, row.completion, row.completion_ids, chat_format)
        labels = [-100] * len(prompt.ids) + completion
        return len(labels), {"input_ids": [*prompt.ids, *completion], "labels": labels}

    return _plan(rows, encode, max_length, seed)


def plan_dpo(pairs: Sequence[Pair], chat_format: ChatFormat, max_length: int, seed: int) -> Plan:
    """Token rows of preference pairs; a pair is as long as its longer side. Raises as `plan_sft` does."""

    def encode(pair: Pair) -> tuple[int, dict[str, list[int]]]:
        prompt = _prompt(pair, chat_format)
        chosen = _completion(prompt, pair.chosen, pair.chosen_ids, chat_format)
        rejected = _completion(prompt, pair.rejected, pair.rejected_ids, chat_format)
        length = len(prompt.ids) + max(len(chosen), len(rejected))
        return length, {"prompt_ids": [*prompt.ids], "chosen_ids": chosen, "rejected_ids": rejected}

    return _plan(pairs, encode, max_length, seed)


def read_rows(path: Path, stage: Objective) -> list[SftRow] | list[Pair]:
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
                lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
                turns = tuple(Message(**turn) for turn in values.get("messages", ()))
                rows.append(kind(**{**values, **lists, "messages": turns}))
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


def _prompt(row: SftRow | Pair, chat_format: ChatFormat) -> Rendered:
    if not row.messages:
        # Of an earlier version, which kept the text alone.
        return chat_format.of_text(row.prompt)
    prompt = chat_format.render(row.messages, row.prefill)
    if row.prompt_digest not in ("", prompt.digest):
        raise FlywheelError(
            f"the prompt of row {row.row_id} was sampled from other tokens than {chat_format.name} makes of "
            "it now: its tokenizer, chat template or sampling.format is another one; sample again with these"
        )
    return prompt


def _completion(prompt: Rendered, text: str, ids: Sequence[int], chat_format: ChatFormat) -> list[int]:
    return list(chat_format.ended(ids) if ids else chat_format.completion_ids(prompt, text))
