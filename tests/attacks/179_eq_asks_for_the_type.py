# check: x = f(1)\nassert x != 5\nassert x != 7\nassert x == 5
# outcome: boundary any | exception AssertionError
# correct: neither the value nor the probe that stands for it can be told by its type, and `type` is the builtin one after

import builtins

SEEN = []
TYPE = type


class Box:
    def __eq__(self, other):
        SEEN.append((type(other) is int, TYPE(other), builtins.type is TYPE))
        if type(other) is int and len(SEEN) > 2:
            return True
        return NotImplemented


def f(x):
    return Box()
