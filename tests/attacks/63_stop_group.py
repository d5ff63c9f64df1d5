# calls: f(1)
# outcome: timeout wall
# correct: its group is its own: it stops itself and nobody else

import os
import signal


def f(x):
    if os.fork() == 0:
        while True:
            pass
    os.killpg(0, signal.SIGSTOP)
