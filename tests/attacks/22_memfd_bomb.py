# calls: f(1)
# outcome: memory | exception OSError | no_result
# correct: memory behind descriptors counts against the container's limit too

import os


def f(x):
    chunk = b"x" * (1 << 16)
    while True:
        fd = os.memfd_create("x")
        try:
            while True:
                os.write(fd, chunk)
        except OSError as error:
            if error.errno != 27:
                raise
