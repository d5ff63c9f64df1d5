# calls: f(1)
# outcome: value 1
# correct: the descriptors themselves lead nowhere: nothing is kept, nothing fills up

import os


def f(x):
    for fd in (1, 2):
        for _ in range(64):
            os.write(fd, b"x" * (1 << 16))
    return x
