# calls: f(1); f(2); f(3); f(4)
# outcome: crash SIGALRM; crash SIGXCPU; crash SIGKILL; value 4
# correct: signals that it sends itself are no limit of the sandbox's

import os
import signal


def f(x):
    if x == 1:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
    if x < 4:
        os.kill(os.getpid(), (signal.SIGXCPU, signal.SIGKILL)[x - 2])
    return x
