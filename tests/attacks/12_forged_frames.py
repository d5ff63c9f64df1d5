# calls: f(1)
# outcome: value 1
# correct: stdout and stderr lead nowhere

import os
import sys

for fd in (1, 2):
    os.write(fd, b"\x00\x00\x00\x02{}" * 100)
sys.stdout.write("\x00\x00\x00\x02{}")
sys.__stdout__.flush()


def f(x):
    return x
