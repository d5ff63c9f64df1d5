"""Room on a disk, known to be too little before anything is computed; what is written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.core.errors import FlywheelError

MIB = 1 << 20
# What a checkpoint's weights are written as, whatever the base model's are.
CHECKPOINT_BYTES = 4
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
_LONGEST_HEADER = 100 * MIB


def parameters_of(folder: Path) -> int:
    """How many parameters a checkpoint folder holds, by the headers of its safetensors; 0 if none says."""
    return sum(map(_parameters, folder.glob("*.safetensors")))


def _parameters(path: Path) -> int:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return 0


def free_bytes(folder: Path) -> int:
    """Free for this user on the disk that the folder is on, or will be."""
    while not folder.exists():
        folder = folder.parent
    stats = os.statvfs(folder)
    return stats.f_bavail * stats.f_frsize


def check_room(folder: Path, needed: int, what: str, otherwise: str) -> None:
    """Raises `FlywheelError`, with both sizes and what to do `otherwise`, when the disk has less."""
    free = free_bytes(folder)
    if free < needed:
        raise FlywheelError(
            f"{what} at least {size(needed)} in {folder}, and {size(free)} are free there: free some space, "
            f"or {otherwise}."
        )


def size(count: int) -> str:
    """`4.3 GiB`, `120 MiB` or `12 KiB`."""
    for unit, power in (("GiB", 30), ("MiB", 20)):
        if count >= 1 << power:
            value = count / (1 << power)
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count / 1024:.0f} KiB"


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to write in that becomes `folder` when the block ends well; else nothing of it is left.

    `folder` is new or empty. Raises `FlywheelError` in one sentence where the disk is full or may not be
    written.
    """
    made: list[Path] = []
    draft: Path | None = None
    try:
        for parent in reversed(folder.parents):
            if not parent.exists():
                parent.mkdir()
                made.append(parent)
        # A disk that is mounted there can only be written inside, and so can a folder of another's.
        inside = folder.is_dir() and (os.path.ismount(folder) or not os.access(folder.parent, os.W_OK))
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder if inside else folder.parent))
        yield draft
        _to_disk(draft)
        if inside:
            for part in draft.iterdir():
                part.rename(folder / part.name)
        else:
            draft.replace(folder)
        made.clear()
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        raise FlywheelError(
            f"{folder} cannot be written: {os.strerror(error.errno)}; nothing was left there: name another "
            "folder, or make room."
        ) from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
        for parent in reversed(made):
            with contextlib.suppress(OSError):
                parent.rmdir()


def _to_disk(folder: Path) -> None:
    """Everything in a folder written out, and readable as others are: a full disk may say so only now."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def copy_folder(source: Path, target: Path, leave_out: str) -> None:
    """Copy a folder's files, but those of one name. The first error is raised as it is."""
    for path in [source, *sorted(source.rglob("*"))]:
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif path.name != leave_out:
            shutil.copyfile(path, place)


def write_json(path: Path, content: Any) -> None:
    """Write under a temporary name, then rename: readers see the old file or the new, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, default=str)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
