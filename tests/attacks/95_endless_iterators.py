# calls: f(1); f(2); f(3); f(4)
# outcome: iterator generator 1000; iterator count 1000; memory | timeout cpu; value 4
# correct: of an iterator no more than its first items are taken; a list of an endless one meets a limit

import itertools


def f(x):
    def forever():
        while True:
            yield x

    return (forever, itertools.count, lambda: list(itertools.count()), lambda: x)[x - 1]()
