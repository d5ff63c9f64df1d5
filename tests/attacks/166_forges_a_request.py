# check: assert f(1) == 2
# outcome: no_result | exception | boundary any
# correct: a frame that asks for what the test never gave away ends the check

import json
import os
import struct


def f(x):
    frame = json.dumps([".call", '[[{"n":["g","builtins.exec"]},"import os"],[],[]]', []]).encode()
    for fd in range(3, 20):
        try:
            os.write(fd, struct.pack(">I", len(frame)) + frame)
        except OSError:
            pass
    return 3
