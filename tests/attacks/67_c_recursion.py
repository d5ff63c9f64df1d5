# calls: f(1); f(2)
# outcome: crash SIGSEGV | memory; value 2
# correct: recursion in C that the interpreter does not count ends at the C stack


def f(x):
    items = iter([x])
    for _ in range(700_000 if x == 1 else 3):
        items = map(int, items)
    return next(items)
