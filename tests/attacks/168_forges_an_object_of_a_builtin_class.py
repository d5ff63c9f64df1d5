# check: assert isinstance(f(1), list)
# outcome: no_result | exception | boundary any
# correct: a message makes no object of a builtin class

import json
import os
import struct


def f(x):
    body = '[[{"@":3}],[[1,"c",[],["list","list","__len__","",""]],[3,"p",[{"@":1}],[""]]],[]]'
    frame = json.dumps(["value", "", "", body, ""]).encode()
    for fd in range(3, 20):
        try:
            os.write(fd, struct.pack(">I", len(frame)) + frame)
        except OSError:
            pass
    return 3
