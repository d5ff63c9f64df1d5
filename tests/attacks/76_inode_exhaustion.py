# calls: f(1)
# outcome: value True
# correct: the number of files is bounded, and they are wiped

import os


def f(x):
    for n in range(100_000):
        try:
            os.close(os.open(f"inode-{n}", os.O_CREAT))
        except OSError:
            return True
    return False
