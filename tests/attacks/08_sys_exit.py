# calls: f(1); f(2)
# outcome: exception SystemExit; exception SystemExit
# correct: an exit is an exception, never a pass

import sys


def f(x):
    sys.exit(0)
