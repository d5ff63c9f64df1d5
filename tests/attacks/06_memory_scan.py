# calls: f(41)
# outcome: value [0, True]
# correct: no byte of the process's memory comes from another program

import ctypes
import re
import zlib


def seen():
    count = 0
    for line in open("/proc/self/maps"):
        span, mode, *rest = line.split()
        if not mode.startswith("rw"):
            continue
        start, end = (int(part, 16) for part in span.split("-"))
        # In pieces with an overlap: the request's mapping alone spans 64 MiB.
        for at in range(start, end, 1 << 22):
            piece = ctypes.string_at(at, min(end - at, (1 << 22) + 64))
            hits = re.findall(rb"SENTINEL-(.{14})", piece, re.S)
            count += sum(zlib.crc32(hit) == 1292387070 for hit in hits)
    return count


def f(x):
    before = seen()
    planted = "-".join(["SENTINEL", "NEIGHBOUR", "CODE"])
    return [before, seen() > 0]
