# calls: f(1)
# outcome: value [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1]
# correct: unshare, setns, clone and clone3 of namespaces, chroot, pivot_root, the new mount calls and handles

import ctypes


def f(x):
    libc = ctypes.CDLL(None)
    user = 0x10000000
    clones = [libc.syscall(56, user | 17, 0, 0, 0, 0), libc.syscall(435, b"\0\0\0\x10" + bytes(60), 64)]
    others = [libc.syscall(number, 0, 0, 0, 0, 0) for number in (308, 161, 155, 428, 429, 430, 304)]
    return [libc.syscall(272, user), *clones, *others]
