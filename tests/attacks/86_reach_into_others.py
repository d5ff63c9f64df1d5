# calls: f(1)
# outcome: value [-1, -1, -1, -1, -1, -1]
# correct: ptrace, process_vm_readv and _writev, kcmp, pidfd_getfd, process_madvise are refused

import ctypes
import os


def f(x):
    libc = ctypes.CDLL(None)
    pidfd = os.pidfd_open(1)
    ptrace = libc.syscall(101, 16, 1, 0, 0)
    others = [libc.syscall(number, 1, 0, 0, 0, 0) for number in (310, 311, 312)]
    return [ptrace, *others, libc.syscall(438, pidfd, 3, 0), libc.syscall(440, pidfd, 0, 0, 21, 0)]
