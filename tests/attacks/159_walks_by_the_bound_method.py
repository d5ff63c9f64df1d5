# check: secret = [42]\nassert f(secret.append) == 42
# outcome: boundary any
# correct: a method does not show whose it is


def f(cb):
    return cb.__self__[0]
