# check: assert isinstance(f(1), int) or isinstance(f(1), list)
# outcome: exception AssertionError
# correct: what an object says it is counts for nothing


class Liar:
    @property
    def __class__(self):
        return int


def f(x):
    return Liar()
