# calls: f(1)
# outcome: value 1 | no_result
# correct: two processes that report for one spoil their own report at most

import os


def f(x):
    os.fork()
    return x
