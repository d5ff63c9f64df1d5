# check: f('x' * (2 << 20))
# outcome: no_result
# correct: arguments over the limit are refused in the test


def f(x):
    return x
