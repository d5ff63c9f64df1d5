# calls: f(1)
# outcome: value ['OSError', 'OSError']
# correct: the size of a file is bounded, holes included

import os


def f(x):
    seen = []
    fd = os.open("sparse", os.O_CREAT | os.O_RDWR)
    for grow in (lambda: os.ftruncate(fd, 1 << 40), lambda: os.pwrite(fd, b"x", 1 << 40)):
        try:
            grow()
            seen.append("grown")
        except OSError as error:
            seen.append(type(error).__name__)
    return seen
