# check: import os\nf(1)\nos._exit(0)
# outcome: no_result
# correct: a test that leaves before it asserts has not passed


def f(x):
    return x + 1
