# calls: f(1)
# outcome: value 'alive'
# correct: a signal to everybody reaches nobody else

import os
import signal


def f(x):
    try:
        os.kill(-1, signal.SIGKILL)
    except OSError:
        pass
    return "alive"
