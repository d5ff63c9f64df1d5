"""The folders that programs may write to, and how they are emptied after each.

PID 1 is root without the capability to override file modes: it owns the folders, a group may write to
them, and what a program left is removed by a process of that program's uid.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

MAX_TURNS = 400


def make_folder(path: str, gid: int, mode: int = 0o1770) -> None:
    """A folder of root's where one group may write: root can list and clear it without capabilities."""
    os.setegid(gid)
    os.mkdir(path)
    os.chmod(path, mode)
    os.setegid(0)


def wipe(folder: str, become: Callable[[], None]) -> None:
    """Empties a scratch folder in a child that `become` turns into the uid that filled it."""
    if not os.listdir(folder):
        return
    pid = os.fork()
    if not pid:
        try:
            become()
            empty(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    if os.listdir(folder):
        raise OSError(f"{folder} cannot be emptied")


def wipe_by_turns(folder: str, become: Sequence[Callable[[], None]]) -> None:
    """Empties a folder that several uids of one group have filled: each opens and removes what it can, until
    nothing is left. What one has closed, inside of what another has closed, takes a turn a level."""
    for turn in range(MAX_TURNS):
        if not os.listdir(folder):
            return
        pid = os.fork()
        if not pid:
            try:
                become[turn % len(become)]()
                empty_in_part(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
    raise OSError(f"{folder} cannot be emptied")


def empty_in_part(top: int) -> None:
    """Removes of a folder what this uid may, as `empty` does, and opens to its group what it owns."""
    left: set[str] = set()
    while names := [name for name in os.listdir(top) if name not in left]:
        for name in names:
            try:
                if not is_folder(name, top):
                    os.unlink(name, dir_fd=top)
                    continue
                with contextlib.suppress(OSError):
                    os.chmod(name, 0o770, dir_fd=top)
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
            except OSError:
                left.add(name)
                continue
            for entry in os.listdir(inner):
                with contextlib.suppress(OSError):
                    if not is_folder(entry, inner):
                        os.unlink(entry, dir_fd=inner)
                        continue
                    with contextlib.suppress(OSError):
                        os.chmod(entry, 0o770, dir_fd=inner)
                    os.rename(entry, os.urandom(16).hex(), src_dir_fd=inner, dst_dir_fd=top)
            os.close(inner)
            try:
                os.rmdir(name, dir_fd=top)
            except OSError:
                left.add(name)


def empty(top: int) -> None:
    """Removes everything below a folder. Flat: subfolders of a folder move to the top before it goes.

    No depth to recurse into, no path to follow, no symlink: names are looked up in open folders.
    """
    while names := os.listdir(top):
        for name in names:
            if not is_folder(name, top):
                os.unlink(name, dir_fd=top)
                continue
            os.chmod(name, 0o700, dir_fd=top)
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
            for entry in os.listdir(inner):
                if is_folder(entry, inner):
                    os.chmod(entry, 0o700, dir_fd=inner)
                    os.rename(entry, os.urandom(16).hex(), src_dir_fd=inner, dst_dir_fd=top)
                else:
                    os.unlink(entry, dir_fd=inner)
            os.close(inner)
            os.rmdir(name, dir_fd=top)


def is_folder(name: str, folder: int) -> bool:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode & 0o170000 == 0o040000
