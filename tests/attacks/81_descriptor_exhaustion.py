# calls: f(1); f(2)
# outcome: value True; value True
# correct: descriptors end at their limit; its report does not need a new one

import os

held = []


def f(x):
    while True:
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            return len(held) < 64
