# calls: f(1)
# outcome: value 'left'
# correct: the end is decided by waitpid, not by the end of a stream that a daemon holds

import os
import time


def f(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(0)
    return "left"
