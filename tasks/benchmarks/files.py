"""Where benchmark files lie: the folder that FLYWHEEL_DATA_DIR names, and how a bad one is refused."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

from tasks.core.errors import FlywheelError

FOLDER_VARIABLE = "FLYWHEEL_DATA_DIR"


def data_file(*names: str) -> Path | None:
    """The first of some files that the data folder holds, or None."""
    folder = os.environ.get(FOLDER_VARIABLE, "")
    paths = [Path(folder).expanduser() / name for name in names] if folder else []
    return next((path for path in paths if path.is_file()), None)


def needed_file(benchmark: str, *names: str) -> Path:
    """`data_file`. Raises `FlywheelError` that says which folder to fill with which file."""
    path = data_file(*names)
    if path is None:
        wanted = " or ".join(names)
        folder = os.environ.get(FOLDER_VARIABLE, "")
        place = (
            f"{folder} holds no such file" if folder else f"set {FOLDER_VARIABLE} to a folder that holds it"
        )
        raise FlywheelError(
            f"{benchmark} needs the file {wanted}: {place}. Or leave {benchmark} out of "
            "evaluation.benchmarks."
        )
    return path


def read_rows(path: Path, *fields: str) -> list[dict[str, Any]]:
    """The objects of a JSON array or JSON lines file (.gz too), each with the fields that are asked for.

    Raises `FlywheelError` that names the file, and the line where there is one, and what is wrong.
    """
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8") as file
        ):
            text = file.read()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FlywheelError(f"{path} cannot be read ({error}): fetch it again.") from None
    rows = _array(text, path) if text.lstrip().startswith("[") else _lines(text, path)
    if not rows:
        raise FlywheelError(f"{path} is empty: fetch it again.")
    for where, row in rows:
        missing = [field for field in fields if field not in row] if isinstance(row, dict) else [*fields]
        if missing or not isinstance(row, dict):
            raise FlywheelError(f"{where} has no {', '.join(missing)}: this is not the file that is meant.")
    return [row for _, row in rows]


def _array(text: str, path: Path) -> list[tuple[str, Any]]:
    try:
        return [(f"{path}, item {number}", row) for number, row in enumerate(json.loads(text), 1)]
    except ValueError as error:
        raise FlywheelError(f"{path} is not JSON ({error}): fetch it again.") from None


def _lines(text: str, path: Path) -> list[tuple[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append((f"{path}, line {number}", json.loads(line)))
            except ValueError as error:
                raise FlywheelError(
                    f"{path}, line {number}, is not JSON ({error}): fetch it again."
                ) from None
    return rows
