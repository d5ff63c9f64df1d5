# calls: f(41)
# outcome: value [0, True]
# correct: no object of the process holds another program or what is expected of this one

import gc
import re
import zlib


def seen():
    objects, known = list(gc.get_objects()), set()
    count = 0
    while objects:
        item = objects.pop()
        if id(item) in known:
            continue
        known.add(id(item))
        objects.extend(gc.get_referents(item))
        if type(item) is str:
            hits = re.findall("SENTINEL-(.{14})", item)
            count += sum(zlib.crc32(hit.encode()) == 1292387070 for hit in hits)
    return count


def f(x):
    before = seen()
    planted = ["-".join(["SENTINEL", "NEIGHBOUR", "CODE"])]
    return [before, seen() > 0]
