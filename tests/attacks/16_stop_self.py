# calls: f(1)
# outcome: timeout wall
# correct: a stopped process uses no CPU: the wall clock ends it

import os
import signal


def f(x):
    os.kill(os.getpid(), signal.SIGSTOP)
