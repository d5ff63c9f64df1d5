"""Files of JSON lines that people hand in: read line by line, refused in one sentence with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.core.errors import FlywheelError

BYTE_ORDER_MARK = "\ufeff"
_KINDS = {list: "a list", dict: "an object", bool: "true or false"}


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("file, line n", object) of each line that is not blank. Raises `FlywheelError`.

    Lines end with a line feed and nothing else: a text in them may hold Unicode's other separators.
    """
    return ((where, row) for where, row, _ in placed_objects(path))


def placed_objects(path: Path) -> Iterator[tuple[str, dict[str, Any], int]]:
    """The same with the byte at which each line begins."""
    if not path.is_file():
        kind = "is no regular file" if path.exists() else "does not exist"
        raise FlywheelError(f"{path} {kind}: name a file with one JSON object a line.")
    try:
        with path.open("rb") as file:
            place = 0
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    where = f"{path}, line {number}"
                    yield where, object_of(line, where), place
                place += len(line)
    except OSError as error:
        raise FlywheelError(f"{path} cannot be read: {error.strerror}.") from None


def object_of(line: bytes, where: str) -> dict[str, Any]:
    """The object that a line holds. Raises `FlywheelError`."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FlywheelError(f"{where}: not JSON ({error}).") from None
    if not isinstance(row, dict):
        raise FlywheelError(f"{where}: a JSON object is expected.")
    return row


def text_of(row: Mapping[str, Any], name: str, where: str, empty: bool = False) -> str:
    """A field that is text, and more than white space unless `empty`. Raises `FlywheelError`."""
    text = row.get(name)
    if text is None:
        raise FlywheelError(f"{where}: {name!r} is missing.")
    if not isinstance(text, str):
        raise FlywheelError(f"{where}: {name!r} must be text, not {_KINDS.get(type(text), 'a number')}.")
    if not (empty or text.strip()):
        raise FlywheelError(f"{where}: {name!r} is empty.")
    return text


def id_of(row: Mapping[str, Any], name: str, where: str) -> str:
    """A field that is an id, as text: of an integer its digits. Raises `FlywheelError`."""
    number = row.get(name)
    return str(number) if type(number) is int else text_of(row, name, where)


def code_of(row: Mapping[str, Any], where: str) -> str:
    """The field "code", without the byte-order mark that some editors put before a file. Raises
    `FlywheelError`."""
    return text_of(row, "code", where, empty=True).removeprefix(BYTE_ORDER_MARK)
