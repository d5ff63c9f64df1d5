# check: try:\n    f(1)\nexcept BaseException:\n    pass
# outcome: crash SIGSEGV | crash SIGKILL
# correct: a test that swallows everything does not hide that the solution died

import os
import signal


def f(x):
    os.kill(os.getpid(), signal.SIGKILL)
