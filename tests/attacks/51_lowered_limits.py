# calls: f(1); f(2)
# outcome: value [[[1]]]; value 2
# correct: limits of the interpreter that the program lowers do not cost it its result

import sys


def f(x):
    sys.setrecursionlimit(30)
    return [[[1]]] if x == 1 else x
