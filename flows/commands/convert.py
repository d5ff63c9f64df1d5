"""`flywheel convert`: a published data set as the three files that `execute` and `agree` read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tasks.core.errors import FlywheelError
from tasks.execution.published import FILES, exchange_files

SHOWN = 200


def convert_files(
    source: Path, to: Path, samples: Path | None, log_progress: Callable[[str], None]
) -> list[Path]:
    """Write problems, solutions and tests of a data set into a new folder, and return their paths; `samples`
    are solutions to take in place of its own.

    Raises `FlywheelError` where the folder is there already, or the file is no data set that is known.
    """
    if to.exists():
        raise FlywheelError(f"--to {to} is there already: name a new folder.")
    draft = to.with_name(f".{to.name}.draft")
    if not to.resolve().parent.is_dir():
        raise FlywheelError(f"--to {to}: there is no folder {to.resolve().parent}, make it first.")
    draft.mkdir(exist_ok=True)
    for left in draft.iterdir():
        left.unlink()
    files = exchange_files(source, samples, None, draft, log_progress, published=True)
    if files.solutions.name != FILES[1]:
        files.solutions.replace(draft / FILES[1])
    draft.replace(to)
    return [to / name for name in FILES]


def shown(path: Path) -> str:
    """The first line of a file, what is long in it cut short."""
    with path.open(encoding="utf-8") as file:
        line = file.readline()
    if not line:
        return "(no line)"
    return json.dumps(_short(json.loads(line)))


def _short(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= SHOWN else f"{value[:SHOWN]}..."
    if isinstance(value, list):
        return [_short(item) for item in value[:3]] + (["..."] if len(value) > 3 else [])
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return value
