"""Files of JSON lines that people hand in: read line by line, refused in one sentence with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from tasks.core.errors import FlywheelError

Kind = TypeVar("Kind", bound=BaseModel)
BYTE_ORDER_MARK = "\ufeff"
_KINDS = {list: "a list", dict: "an object", bool: "true or false", str: "text"}
_EXPECTED = {
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "an object",
    "bool_type": "true or false",
    "float_type": "a number",
}


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


def row_of(kind: type[Kind], plain: Mapping[str, Any], where: str) -> Kind:
    """The object of a line as a typed row. Raises `FlywheelError` that names `where` and the field."""
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        raise FlywheelError(f"{where}: {_why(error)}.") from None


def _why(error: ValidationError) -> str:
    """What is wrong with the first bad field, in words of JSON."""
    first = error.errors(include_url=False)[0]
    name, given = "".join(map(str, first["loc"][:1])), first["input"]
    if not name:
        return str(first.get("ctx", {}).get("error", first["msg"]))
    kind = first["type"]
    if kind == "missing" or (given is None and kind.endswith("_type")):
        return f"{name!r} is missing"
    if kind in _EXPECTED:
        return f"{name!r} must be {_EXPECTED[kind]}, not {_KINDS.get(type(given), 'a number')}"
    if kind == "literal_error":
        return f"{name!r} is {first['ctx']['expected']}, not {given!r}"
    if kind == "value_error":
        return f"{name!r} {first['ctx']['error']}"
    return f"{name!r} is {given!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"


class Row(BaseModel):
    """A line of a file that people hand in: what it does not name is ignored, nothing is converted."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


def _digits(number: object) -> object:
    return str(number) if type(number) is int else number


Text = Annotated[str, AfterValidator(_said)]
"""Text that is more than white space."""
Id = Annotated[str, BeforeValidator(_digits), AfterValidator(_said)]
"""An id as text: of an integer its digits."""
Code = Annotated[str, AfterValidator(lambda text: text.removeprefix(BYTE_ORDER_MARK))]
"""Code without the byte-order mark that some editors put before a file."""
