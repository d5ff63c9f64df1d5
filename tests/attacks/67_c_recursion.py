# calls: f(1); f(2)
# outcome: crash SIGSEGV | memory; value 2
# correct: recursion in C that the interpreter does not count ends at the C stack

import resource


def f(x):
    resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, 8 << 20))
    items = iter([x])
    for _ in range(200_000 if x == 1 else 3):
        items = map(int, items)
    return next(items)
