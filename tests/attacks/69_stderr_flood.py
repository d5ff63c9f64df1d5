# calls: f(1); f(2)
# outcome: output_limit; value 2
# correct: what goes to stderr counts as well

import sys


def f(x):
    while x == 1:
        sys.stderr.write("x" * 1000)
    return x
