# calls: f(1)
# outcome: crash SIGKILL
# correct: an earlier program's death at the memory limit is not this one's

import os
import signal


def f(x):
    os.kill(os.getpid(), signal.SIGKILL)
