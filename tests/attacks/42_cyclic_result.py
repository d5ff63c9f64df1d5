# calls: f(1)
# outcome: opaque too deep
# correct: a cycle has no end


def f(x):
    value = []
    value.append(value)
    return value
