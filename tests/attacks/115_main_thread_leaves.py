# calls: f(1)
# outcome: timeout wall
# correct: the process has not ended while one of its threads goes on

import ctypes
import threading
import time


def f(x):
    threading.Thread(target=time.sleep, args=(3600,)).start()
    ctypes.CDLL(None).syscall(60, 0)
