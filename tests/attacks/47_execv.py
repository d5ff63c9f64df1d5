# calls: f(1)
# outcome: no_result
# correct: another program in its place has no result

import os


def f(x):
    os.execv("/bin/true", ["true"])
