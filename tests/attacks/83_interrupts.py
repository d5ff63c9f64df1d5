# calls: f(1); f(2); f(3); f(4); f(5)
# outcome: exception KeyboardInterrupt; exception SystemExit; exception GeneratorExit; exception KeyboardInterrupt; value 5
# correct: exceptions that usually end a process end one call

import os
import signal
import time


def f(x):
    if x < 4:
        raise (KeyboardInterrupt, SystemExit, GeneratorExit)[x - 1]
    if x == 4:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    return x
