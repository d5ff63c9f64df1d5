# calls: f(1)
# outcome: value 1
# correct: a patch of the standard library ends with its process

import math
import sys

math.floor = lambda x: "poisoned"
sys.modules["collections"] = None


def f(x):
    return x
