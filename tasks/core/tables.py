"""Records as Parquet: one schema a record type, derived from its fields, and exact round trips."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import types
import typing
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import FlywheelError
from tasks.core.rows import RENAMED_COLUMNS

Record = TypeVar("Record")
_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
}


@cache
def _fields(record: Any) -> tuple[tuple[str, str, Any], ...]:
    """`(field, column, type)`: a column is called as its field, but for one whose field was renamed."""
    hints = typing.get_type_hints(record)
    return tuple(
        (field.name, field.metadata.get("column", field.name), hints[field.name])
        for field in dataclasses.fields(record)
    )


def _unwrap(hint: Any) -> Any:
    """`X | None` -> X; other hints as they are."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
    return hint


def _arrow_type(hint: Any) -> pa.DataType:
    hint = _unwrap(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if dataclasses.is_dataclass(hint):
        parts = _fields(typing.cast(type, hint))
        return pa.struct([(column, _arrow_type(inner)) for _, column, inner in parts])
    if typing.get_origin(hint) is tuple:
        return pa.list_(_arrow_type(typing.get_args(hint)[0]))
    if typing.get_origin(hint) is typing.Literal:
        return pa.string()
    raise TypeError(f"no column type for {hint!r}")


@cache
def _reader(hint: Any) -> Any:
    """A function from a column's Python object to the field's value."""
    hint = _unwrap(hint)
    if dataclasses.is_dataclass(hint):
        readers = [(name, column, _reader(inner)) for name, column, inner in _fields(typing.cast(type, hint))]

        def read(row: dict[str, Any] | None) -> Any:
            if row is None:
                return None
            # A table written before a field was added leaves that field at its default.
            present = {name: reader(row[column]) for name, column, reader in readers if column in row}
            return typing.cast(Any, hint)(**present)

        return read
    if typing.get_origin(hint) is tuple:
        inner = _reader(typing.get_args(hint)[0])
        return lambda items: tuple(inner(item) for item in items)
    return lambda value: value


def schema_of(record: type[Any]) -> pa.Schema:
    """Columns of a record's fields by their names of today, for tables that are given to others."""
    return pa.schema([(name, _arrow_type(hint)) for name, _, hint in _fields(typing.cast(Any, record))])


def write_table(path: Path, record: type[Record], rows: Iterable[Record]) -> int:
    """Write rows under a temporary name, then rename; returns how many. Raises OSError (disk full)."""
    columns = _fields(typing.cast(Any, record))
    schema = pa.schema([(column, _arrow_type(hint)) for _, column, hint in columns])
    named = [(name, column) for name, column, _ in columns if name != column]
    plain = [dataclasses.asdict(typing.cast(Any, row)) for row in rows]
    for row in plain if named else ():
        row.update({column: row.pop(name) for name, column in named})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        pq.write_table(pa.Table.from_pylist(plain, schema=schema), temporary, compression="zstd")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return len(plain)


def _load(path: Path) -> pa.Table:
    """Raises `FlywheelError` for a file that is gone or is no table."""
    try:
        return pq.read_table(path)
    except (FileNotFoundError, pa.ArrowInvalid):
        raise FlywheelError(
            f"the table {path} is gone or damaged: restore it, or move {path.parent} away and run again."
        ) from None


def read_table(path: Path, record: type[Record]) -> list[Record]:
    """All rows of a table, as records."""
    read = _reader(typing.cast(Any, record))
    return [read(row) for row in _load(path).to_pylist()]


def read_plain(path: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """Rows as dictionaries by the names of today's fields, for people and programs that know no record
    types."""
    table = _load(path)
    table = table.rename_columns([RENAMED_COLUMNS.get(name, name) for name in table.column_names])
    rows: list[dict[str, Any]] = (table if limit is None else table.slice(0, limit)).to_pylist()
    return rows


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def by_problem(rows: Sequence[Record]) -> dict[str, list[Record]]:
    """Rows grouped by their `problem_id`, in first-seen order."""
    groups: dict[str, list[Record]] = {}
    for row in rows:
        groups.setdefault(typing.cast(Any, row).problem_id, []).append(row)
    return groups
