# check: x = f(1)\nassert isinstance(x, Kind)\nassert isinstance(5, Kind) or isinstance(x, int) or x == 5
# outcome: boundary any | exception AssertionError
# correct: a class that takes everything in has a say about objects of the solution alone

from abc import ABC, ABCMeta


class Meta(ABCMeta):
    def __instancecheck__(cls, one):
        return True


class Kind(ABC, metaclass=Meta):
    @property
    def __class__(self):
        return int


Kind.register(int)


def f(x):
    return Kind()
