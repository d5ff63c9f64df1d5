# calls: f(1); f(2)
# outcome: value any; value any
# correct: chance and state are values here; a second pass in another order notices them

import os

count = []


def f(x):
    count.append(os.urandom(8))
    return count
