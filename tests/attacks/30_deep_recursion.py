# calls: f(1)
# outcome: exception RecursionError
# correct: the interpreter's own limit is an exception


def f(x):
    return f(x + 1)
