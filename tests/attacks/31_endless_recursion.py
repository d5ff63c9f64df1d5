# calls: f(1)
# outcome: memory | crash SIGSEGV | timeout | exception
# correct: without the interpreter's limit another limit ends it: C stack, memory, or its count of C calls

import sys

sys.setrecursionlimit(10**9)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")


def f(x):
    return Deep().x
