# check: assert f(1)
# outcome: boundary any
# correct: an opaque value has no truth


def f(x):
    return f
