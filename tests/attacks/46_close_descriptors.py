# calls: f(1)
# outcome: no_result
# correct: without its report there is no result

import os


def f(x):
    os.closerange(0, 1000)
    return x
