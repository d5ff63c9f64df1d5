"""The folders that programs may write to, and how they are emptied after each.

PID 1 is root without the capability to override file modes: it owns the folders, a group may write to
them, and what a program left is removed by a process of that program's uid.
"""

from __future__ import annotations

import os
from collections.abc import Callable


def make_folder(path: str, gid: int) -> None:
    """A folder of root's where one group may write: root can list and clear it without capabilities."""
    os.setegid(gid)
    os.mkdir(path)
    os.chmod(path, 0o1770)
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
