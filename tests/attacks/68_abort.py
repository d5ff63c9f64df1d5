# calls: f(1); f(2)
# outcome: crash SIGABRT; value 2
# correct: a crash is its own outcome

import os


def f(x):
    if x == 1:
        os.abort()
    return x
