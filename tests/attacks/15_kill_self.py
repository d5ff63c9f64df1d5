# calls: f(1); f(2)
# outcome: crash SIGKILL; value 2
# correct: its own death is its own crash, and no memory outcome

import os
import signal


def f(x):
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x
