# calls: f(1)
# outcome: memory | no_result | timeout | value None
# correct: many processes share the container's limit; only they are killed for it

import os


def f(x):
    for _ in range(8):
        try:
            if os.fork() == 0:
                break
        except OSError:
            break
    data = bytearray(100 << 20)
    for at in range(0, len(data), 4096):
        data[at] = 1
    while True:
        pass
