# check: f('x' * (2 << 20))
# outcome: exception TypeError
# correct: arguments over the limit are refused in the test


def f(x):
    return x
