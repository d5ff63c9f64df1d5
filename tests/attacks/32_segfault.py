# calls: f(1); f(2)
# outcome: crash SIGSEGV; value 2
# correct: a crash is its own outcome

import ctypes


def f(x):
    if x == 1:
        ctypes.string_at(0)
    return x
