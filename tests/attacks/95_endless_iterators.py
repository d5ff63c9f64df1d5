# calls: f(1); f(2); f(3); f(4)
# outcome: opaque generator; opaque count; memory | timeout cpu; value 4
# correct: an iterator is not walked; a list of an endless one meets a limit

import itertools


def f(x):
    def forever():
        while True:
            yield x

    return (forever, itertools.count, lambda: list(itertools.count()), lambda: x)[x - 1]()
