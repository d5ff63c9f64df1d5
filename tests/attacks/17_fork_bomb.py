# calls: f(1)
# outcome: timeout | value None | exception BlockingIOError | no_result | crash | memory
# correct: bounded by the process limit, then swept; any ending of its own is right

import os


def f(x):
    while True:
        try:
            os.fork()
        except OSError:
            pass
