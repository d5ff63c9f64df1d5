# calls: f(1)
# outcome: value 'left'
# correct: processes made as its siblings, so PID 1's own children, are swept as well

import ctypes
import os
import time

CLONE_PARENT, SIGCHLD = 0x8000, 17


def f(x):
    libc = ctypes.CDLL(None)
    for flags in (CLONE_PARENT | SIGCHLD, CLONE_PARENT, 0):
        if libc.syscall(56, flags, 0, 0, 0, 0) == 0:
            os.setsid()
            while True:
                time.sleep(1)
    return "left"
