# calls: f(1); f(2)
# outcome: memory | no_result | timeout; value 2
# correct: nobody but the program may be the memory limit's victim: its container lives on

import ctypes
import os


def f(x):
    if x == 2:
        return x
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("0")
    except OSError:
        pass
    for _ in range(8):
        try:
            if os.fork() == 0:
                break
        except OSError:
            break
    # Files that no process maps: they count against the limit, but for nobody's size.
    held = []
    while True:
        try:
            held.append(os.memfd_create("x"))
            while True:
                os.write(held[-1], b"x" * (1 << 16))
        except OSError:
            pass
