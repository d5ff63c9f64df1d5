# calls: f(1); f(2)
# outcome: value ''; exception EOFError
# correct: stdin is empty and ends at once

import sys


def f(x):
    return sys.stdin.read() if x == 1 else input("? ")
