"""A stage's key: the digest of its name, version, inputs and settings, each written exactly.

Two different values never have one text, and what has no exact text is refused: a key that took `str()` of an
object would change with an address in memory, or fail to change with what the object holds.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel

from tasks.core.errors import FlywheelError
from tasks.pipeline.workspace import ModelRef, Ref

SPREAD = "settings"
"""The parameter whose fields stand among a stage's settings by their own names."""


@dataclass(frozen=True)
class StageKey:
    """A stage's key (`digest`) and what it is made of: `inputs` are digests or versions by name, `settings`
    plain JSON by name."""

    digest: str
    inputs: dict[str, str]
    settings: dict[str, Any]


def exact(value: object, where: str = "value") -> Any:
    """The value as plain JSON that no different value has: tuples are lists, sets are sorted, a table or
    model is its digest, settings are their fields without those that only fit a run to its machine.

    Raises `FlywheelError` naming `where` the value stands, when its type has no such form.
    """
    if isinstance(value, Enum):
        return exact(value.value, where)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Ref | ModelRef):
        return value.digest
    if isinstance(value, BaseModel):
        left_out = getattr(type(value), "NOT_IN_CACHE_KEY", {})
        names = [name for name in type(value).model_fields if name not in left_out]
        return {name: exact(getattr(value, name), f"{where}.{name}") for name in names}
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: exact(getattr(value, part.name), f"{where}.{part.name}") for part in fields(value)}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: exact(item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Set):
        return sorted((exact(item, where) for item in value), key=_text)
    raise FlywheelError(
        f"a stage's key cannot hold {where}: a {type(value).__name__} has no exact text; pass text, numbers, "
        "tables, settings or dataclasses of them."
    )


def _text(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(*parts: object) -> str:
    """SHA-256 (hex) of the parts' exact forms as canonical JSON. Raises `FlywheelError` as `exact` does."""
    digest = hashlib.sha256()
    for number, part in enumerate(parts):
        # Row by row: a benchmark's problems are hundreds of MiB of text.
        rows = part if isinstance(part, list | tuple) else [part]
        digest.update(f"{'rows' if rows is part else 'one'} {len(rows)}\n".encode())
        for row in rows:
            digest.update(_text(exact(row, f"part {number}")).encode() + b"\n")
    return digest.hexdigest()


def stage_key(
    name: str,
    version: int,
    arguments: Mapping[str, object],
    found: object = None,
    constants: Mapping[str, object] | None = None,
) -> StageKey:
    """The key of a step's call.

    Tables and models among the arguments, also those inside dataclasses and sequences, are inputs; everything
    else is a setting. The fields of `found` (a dataclass, what the step looked up) are inputs too: text as it
    is, anything else as its digest. None is as if the argument were not there.

    Raises `FlywheelError` for a value without an exact text, and where two inputs or settings have one name.
    """
    inputs: dict[str, str] = {}
    settings: dict[str, Any] = {}

    def put(into: dict[str, Any], part: str, value: Any) -> None:
        if part in into:
            raise FlywheelError(f"two parts of the key of stage {name} are called {part!r}: rename one.")
        into[part] = value

    for argument, value in arguments.items():
        for part, ref in _refs(argument, value):
            put(inputs, part, ref.digest)
        rest = _without_refs(value)
        if rest is None:
            continue
        plain = exact(rest, argument)
        named = plain if argument == SPREAD and isinstance(plain, dict) else {argument: plain}
        for part, item in named.items():
            put(settings, part, item)
    if found is not None:
        assert is_dataclass(found)
        for field in fields(found):
            item = getattr(found, field.name)
            put(inputs, field.name, item if isinstance(item, str) else digest_of(item))
    for part, item in (constants or {}).items():
        put(settings, part, exact(item, part))
    return StageKey(digest_of(str(name), version, inputs, settings), inputs, settings)


def _refs(name: str, value: object) -> Iterator[tuple[str, Ref | ModelRef]]:
    """The tables and models of an argument: under its name, or the names of the fields that hold them."""
    if isinstance(value, Ref | ModelRef):
        yield name, value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _refs(field.name, getattr(value, field.name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            for part, ref in _refs("", item):
                yield f"{name}[{index}]{'.' if part else ''}{part}", ref


def _without_refs(value: object) -> object:
    """The rest of an argument; None if it is nothing but tables and models."""
    if isinstance(value, Ref | ModelRef):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: _without_refs(getattr(value, field.name)) for field in fields(value)}
        return {name: part for name, part in parts.items() if part is not None} or None
    if isinstance(value, list | tuple) and value:
        rest = [_without_refs(item) for item in value]
        return None if all(item is None for item in rest) else rest
    return value
