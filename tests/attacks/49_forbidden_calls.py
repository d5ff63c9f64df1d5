# calls: f(1)
# outcome: value [-1, -1, -1, -1, -1, -1, -1, -1, -1]
# correct: ptrace, mount, unshare, bpf, keyctl, perf, io_uring, shmget, msgget are refused

import ctypes


def f(x):
    libc = ctypes.CDLL(None)
    numbers = (101, 165, 272, 321, 250, 298, 425, 29, 68)
    return [libc.syscall(number, 0, 0, 0, 0, 0) for number in numbers]
