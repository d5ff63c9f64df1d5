"""Pages that every program shares, made huge before the first program comes.

A fork copies a table entry for each page of memory, a child faults on every few pages of the interpreter's
code, and its end gives them all back. A huge page is one entry for 512 of them: about a sixth of a
program's CPU time. Where the kernel has none, or refuses, everything stays as it was.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator

HUGE_BYTES = 2 << 20
ARENA_BYTES = 1 << 20
MADV_COLLAPSE = 25
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
NO_ACCESS, READ, WRITE = 0, mmap.PROT_READ, mmap.PROT_WRITE
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_size, _int, _address = ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p
_libc.mmap.argtypes = [_address, _size, _int, _int, _int, ctypes.c_long]
_libc.mremap.argtypes = [_address, _size, _size, _int, _address]
_libc.mprotect.argtypes = _libc.madvise.argtypes = [_address, _size, _int]
_libc.munmap.argtypes = [_address, _size]
_libc.mmap.restype = _libc.mremap.restype = _address


def mappings() -> list[tuple[int, int, str, str]]:
    """Start, end, permissions and name of this process's mappings, in order."""
    found = []
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, permissions, _, _, _, *name = line.split()
            start, end = span.split("-")
            found.append((int(start, 16), int(end, 16), permissions, name[0] if name else ""))
    return found


def whole_blocks(start: int, end: int) -> range:
    """The huge pages that lie wholly between two addresses, by their first byte."""
    return range(-(-start // HUGE_BYTES) * HUGE_BYTES, end // HUGE_BYTES * HUGE_BYTES, HUGE_BYTES)


def code_spans() -> Iterator[tuple[int, int]]:
    """Where one file's read-only parts, code among them, lie side by side."""
    first, last, of, runs = 0, 0, "", False
    for start, end, permissions, name in [*mappings(), (0, 0, "", "")]:
        fixed = permissions in ("r--p", "r-xp") and name.startswith("/")
        if not (fixed and (start, name) == (last, of)):
            if runs:
                yield first, last
            first, of, runs = start, name if fixed else "", False
        last, runs = end, runs or (fixed and permissions == "r-xp")


def huge_code() -> None:
    """Replaces the interpreter's code by a copy of it in huge pages."""
    for start, end in code_spans():
        blocks = whole_blocks(start, end)
        size = len(blocks) * HUGE_BYTES
        room = size and _libc.mmap(None, size + HUGE_BYTES, READ | WRITE, ANONYMOUS, -1, 0)
        if room in (0, FAILED):
            continue
        copy = -(-room // HUGE_BYTES) * HUGE_BYTES
        if copy > room:
            _libc.munmap(room, copy - room)
        _libc.munmap(copy + size, room + HUGE_BYTES - copy)
        _libc.madvise(copy, size, mmap.MADV_HUGEPAGE)
        ctypes.memmove(copy, blocks.start, size)
        if _libc.mprotect(copy, size, READ | mmap.PROT_EXEC):
            _libc.munmap(copy, size)
            continue
        # One call swaps them: it comes back into the copy of the code that made it.
        _libc.mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, blocks.start)


def align_arenas() -> None:
    """From now on pymalloc's arenas, which the kernel puts below each other, fill whole huge pages."""
    probe = _libc.mmap(None, ARENA_BYTES, NO_ACCESS, ANONYMOUS, -1, 0)
    if probe != FAILED and probe % HUGE_BYTES:
        # Never touched: address space, no memory.
        _libc.mmap(None, probe % HUGE_BYTES, NO_ACCESS, ANONYMOUS, -1, 0)


def huge_data() -> None:
    """Joins what is written rarely, the library's objects, into huge pages. What a child writes to is
    copied by the small page all the same."""
    for start, end, permissions, name in mappings():
        if permissions == "rw-p" and name in ("", "[heap]"):
            for block in whole_blocks(start, end):
                _libc.madvise(block, HUGE_BYTES, MADV_COLLAPSE)
