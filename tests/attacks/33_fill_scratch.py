# calls: f(1)
# outcome: value True
# correct: files end at the size limit and are wiped

import os


def f(x):
    full = False
    for n in range(200):
        try:
            with open(f"fill-{n}", "wb") as file:
                for _ in range(64):
                    file.write(b"x" * (1 << 16))
        except OSError:
            full = True
    return full
