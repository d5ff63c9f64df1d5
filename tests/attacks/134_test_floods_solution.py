# check: f('x' * (2 << 20))
# outcome: boundary any
# correct: arguments over the limit are refused in the test


def f(x):
    return x
