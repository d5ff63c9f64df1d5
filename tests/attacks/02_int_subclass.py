# calls: f(1); f(2)
# outcome: opaque Two; value [1, {}]
# correct: an int subclass is opaque; nested honest data beside it is data


class Two(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def f(x):
    return Two(x) if x == 1 else [1, {}]
