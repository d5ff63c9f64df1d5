# calls: f(1)
# outcome: timeout
# correct: children that burn CPU in its place are ended with it

import os


def f(x):
    while True:
        pid = os.fork()
        if pid == 0:
            while True:
                pass
        while True:
            pass
