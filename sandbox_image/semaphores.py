"""Semaphores without names, for `multiprocessing`: a pipe holds as many bytes as the semaphore's value.

The C library's have a name in /dev/shm, which is read-only here: what one program left there, another could
find. A pipe is gone with the last process that has it. `install` puts this module in the place of
`_multiprocessing`, whose one class and one function are all that `multiprocessing` uses of it where processes
are forked, and sees to it that shared values lie in the program's own folder.
"""

from __future__ import annotations

import _thread
import errno
import fcntl
import os
import select
import struct
import sys
import termios
import time
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

RECURSIVE_MUTEX = 0


class SemLock:
    """A semaphore, or a lock that its owner may take again, as `_multiprocessing.SemLock` is one."""

    # A pipe holds 64 KiB.
    SEM_VALUE_MAX = 2**15 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        if not unlink:
            raise OSError(errno.EROFS, "semaphores have no names here: processes must be forked")
        if not 0 <= value <= self.SEM_VALUE_MAX:
            raise ValueError("semaphore value out of range")
        self.kind, self.maxvalue, self.name = kind, maxvalue, None
        self._reader, self._writer = os.pipe()
        # Whoever is told that there is a byte may find that another was faster.
        os.set_blocking(self._reader, False)
        self._depth, self._owner = 0, 0
        os.write(self._writer, b"x" * value)

    @property
    def handle(self) -> int:
        return self._reader

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Takes a byte; False if there is none in time."""
        if self.kind == RECURSIVE_MUTEX and self._is_mine():
            self._depth += 1
            return True
        end = None if timeout is None else time.monotonic() + max(0.0, timeout)
        while not self._take():
            left = None if end is None else end - time.monotonic()
            if not block or (left is not None and left <= 0):
                return False
            poller = select.poll()
            poller.register(self._reader, select.POLLIN)
            poller.poll(None if left is None else left * 1e3)
        self._depth += 1
        self._owner = _thread.get_ident()
        return True

    def _take(self) -> bool:
        try:
            return bool(os.read(self._reader, 1))
        except BlockingIOError:
            return False

    def release(self) -> None:
        """Gives a byte back."""
        if self.kind == RECURSIVE_MUTEX:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._depth > 1:
                self._depth -= 1
                return
        elif self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self._depth -= 1
        os.write(self._writer, b"x")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._depth

    def _is_mine(self) -> bool:
        return self._depth > 0 and self._owner == _thread.get_ident()

    def _get_value(self) -> int:
        size = fcntl.ioctl(self._reader, termios.FIONREAD, b"\0" * 4)
        value: int = struct.unpack("i", size)[0]
        return value

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        self._depth = 0

    def __del__(self) -> None:
        for fd in (getattr(self, "_reader", -1), getattr(self, "_writer", -1)):
            if fd >= 0:
                os.close(fd)

    @staticmethod
    def _rebuild(*args: Any) -> NoReturn:
        raise OSError(errno.EROFS, "semaphores have no names here: processes must be forked")


def sem_unlink(name: str) -> None:
    """There is nothing under any name."""


class _HeapFinder:
    """Finds `multiprocessing.heap`, once it is imported, and keeps it out of /dev/shm."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The usual spec, whose loader does a little more; None of any other module."""
        if name != "multiprocessing.heap":
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                module.Arena._dir_candidates = []

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Once, before any program."""
    sys.modules["_multiprocessing"] = sys.modules[__name__]
    sys.meta_path.insert(0, _HeapFinder)  # type: ignore[arg-type]
