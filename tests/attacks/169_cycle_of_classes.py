# check: assert f(1) == 2
# outcome: no_result | exception | boundary any
# correct: a class that derives from itself is no message

import json
import os
import struct


def f(x):
    body = '[[{"@":1}],[[1,"c",[{"@":1}],["A","","","",""]]],[]]'
    frame = json.dumps(["value", "", "", body, ""]).encode()
    for fd in range(3, 20):
        try:
            os.write(fd, struct.pack(">I", len(frame)) + frame)
        except OSError:
            pass
    return 3
