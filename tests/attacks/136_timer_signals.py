# calls: f(1); f(2); f(3)
# outcome: crash SIGALRM; crash SIGXCPU; value 3
# correct: signals that it sends itself are no limit of the sandbox's

import os
import signal


def f(x):
    if x == 1:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
    if x == 2:
        os.kill(os.getpid(), signal.SIGXCPU)
    return x
