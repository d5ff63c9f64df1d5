# calls: f(1)
# outcome: value 1
# correct: exit handlers never run

import atexit
import time


def f(x):
    atexit.register(time.sleep, 3600)
    return x
