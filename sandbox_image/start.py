"""The container's entry point: loads what programs use, packs the memory, then becomes the supervisor.

A program costs about 0.2 microseconds for each page that its fork has to share and 2 for each page that it
or PID 1 writes to afterwards, which is most of what it costs at all. Reference counts are such writes. So
the order here matters: the library first, then no holes, then the few objects that every program touches,
close together.
"""

from __future__ import annotations

import contextlib
import gc
import os

from sandbox_image import pages

# Without threading and what imports it: its handler after a fork costs every child a tenth of its time.
# Without hashlib, also indirectly: OpenSSL is a tenth of all pages that every fork would share.
PRELOAD = (
    "abc array ast base64 bisect calendar cmath collections contextlib copy csv dataclasses datetime decimal "
    "enum fractions functools heapq inspect io itertools json math numbers operator re "
    "string struct textwrap time traceback typing unicodedata zlib"
)
# What the supervisor needs besides: else it would come to lie between the objects that are packed.
OWN = "ctypes errno marshal mmap resource select signal types"
# pymalloc: a pool serves one size class, multiples of 16 up to 512; its first block comes after 48 bytes.
POOL_BYTES, POOL_HEADER = 1 << 14, 48
SMALL, LARGE, STEP = 32, 512, 16
BYTES_OVERHEAD = 33
HOLES_MAX = 100_000


def fill_holes() -> list[object]:
    """Fills the holes of the pools for small objects, so that what is made from now on lies in pages of its
    own. The fillers, to be kept for good."""
    gc.collect()
    held: list[object] = []
    for size in range(SMALL, LARGE + 1, STEP):
        for _ in range(HOLES_MAX):
            # A bytes object of one letter would be a shared one.
            block = len(held) + 0.5 if size == SMALL else bytes(size - BYTES_OVERHEAD)
            held.append(block)
            if id(block) % POOL_BYTES == POOL_HEADER:
                # The first block of a fresh pool: nothing older has a hole.
                held.pop()
                break
    return held


def load(names: str) -> None:
    for name in names.split():
        __import__(name)


def main() -> None:
    load(OWN)
    # Without huge pages, or a kernel that shows its mappings, there is nothing to gain.
    with contextlib.suppress(OSError, ValueError):
        pages.huge_code()
        pages.align_arenas()
    load(PRELOAD)
    load(os.environ.pop("FLYWHEEL_PRELOAD", ""))
    _held = fill_holes()
    with contextlib.suppress(OSError, ValueError):
        pages.huge_data()
    from sandbox_image import supervisor

    supervisor.main()


if __name__ == "__main__":
    main()
