# calls: f(41)
# outcome: value [0, True]
# correct: no frame of the process holds another program or what is expected of this one

import re
import sys
import zlib


def seen():
    count, frame = 0, sys._getframe(2)
    while frame:
        text = repr(list(frame.f_locals.values())) + repr(list(frame.f_globals.values()))
        count += sum(zlib.crc32(hit.encode()) == 1292387070 for hit in re.findall("SENTINEL-(.{14})", text))
        frame = frame.f_back
    return count


def f(x):
    before = seen()
    return [before, g("-".join(["SENTINEL", "NEIGHBOUR", "CODE"])) > 0]


def g(planted):
    return h()


def h():
    return seen()
