# check: assert f(1) == 2
# outcome: no_result | exception | boundary any
# correct: what a message names is data or only looks

import json
import os
import struct


def f(x):
    message = '[[{"n":["g","os.system"]}],[],[]]'
    frame = json.dumps(["value", "", "", message, ""]).encode()
    for fd in range(3, 20):
        try:
            os.write(fd, struct.pack(">I", len(frame)) + frame)
        except OSError:
            pass
    return 3
