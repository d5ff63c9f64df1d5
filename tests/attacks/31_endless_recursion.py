# calls: f(1)
# outcome: memory | crash SIGSEGV | timeout | exception SystemError
# correct: without the interpreter's limit the process's limits end it

import sys

sys.setrecursionlimit(10**9)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")


def f(x):
    return Deep().x
