# calls: f(1)
# outcome: value ['OSError', 'OSError', 'OSError']
# correct: no shared memory and no queue that would outlive the program

import ctypes
import os


def f(x):
    seen = []
    for path in ("/dev/shm/left", "/dev/mqueue/left"):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR))
            seen.append(path)
        except OSError:
            seen.append("OSError")
    libc = ctypes.CDLL(None)
    # semget, mq_open, shmget
    refused = [libc.syscall(64, 7, 1, 0o1777), libc.syscall(240, b"q", 0o102, 0o777, None)]
    return [*seen, "OSError" if {*refused, libc.syscall(29, 7, 4096, 0o1777)} == {-1} else "got"]
