# check: assert f(1)
# outcome: exception TypeError
# correct: an opaque value has no truth


def f(x):
    return f
