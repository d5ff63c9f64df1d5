# calls: f(1); f(2); f(3)
# outcome: value 1; no_result; value 3
# correct: an exit without an answer is no result of that call alone

import os


def f(x):
    if x == 2:
        os._exit(0)
    return x
