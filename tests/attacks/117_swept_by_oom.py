# calls: f(1)
# outcome: value 'left'
# correct: the memory limit took a child of it, the program itself came to its end

import os


def f(x):
    if os.fork() == 0:
        held = []
        while True:
            fd = os.memfd_create("x")
            held.append(fd)
            for _ in range(8):
                os.write(fd, b"x" * (1 << 16))
    os.wait()
    return "left"
