# calls: f(1)
# outcome: timeout wall
# correct: the wall clock is the backstop

import time


def f(x):
    time.sleep(3600)
