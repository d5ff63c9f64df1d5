# check: from itertools import islice\nassert list(islice(f(1), 3)) == [1, 1, 1]\nassert sum(f(1)) == 3
# outcome: timeout any | boundary any
# correct: an endless iterator ends at the limit of time, or of crossings


def f(x):
    while True:
        yield x
