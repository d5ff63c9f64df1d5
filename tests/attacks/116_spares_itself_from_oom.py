# calls: f(1); f(2)
# outcome: memory | value ['refused', 'OSError'] | no_result; value 2
# correct: nobody but the program may be the memory limit's victim: its container lives on

import ctypes
import os


def f(x):
    if x == 2:
        return x
    seen = []
    if ctypes.CDLL(None).prctl(4, 1, 0, 0, 0):
        seen.append("refused")
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("0")
    except OSError:
        pass
    # Files that no process maps: they count against the limit, but for nobody's size.
    held = []
    try:
        while True:
            held.append(os.memfd_create("x"))
            for _ in range(16):
                os.write(held[-1], b"x" * (1 << 16))
            if len(held) % 50 == 0 and os.fork() == 0:
                held.clear()
    except OSError:
        seen.append("OSError")
    return seen
