# calls: f(1); f(2)
# outcome: value 9; crash SIGKILL | memory
# correct: the limit took a child of it, not the program; what it then does to itself is a crash

import os
import signal


def f(x):
    if x == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    child = os.fork()
    # The larger of the two is the victim.
    large = b"x" * (60 << 20) if child == 0 else b""
    while child == 0:
        fd = os.memfd_create("x")
        for _ in range(100):
            os.write(fd, b"x" * (1 << 16))
    return os.waitstatus_to_exitcode(os.wait()[1]) * -1
