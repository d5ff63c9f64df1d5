# calls: f(1); f(2)
# outcome: opaque too deep; value 2
# correct: 200,000 levels are not walked


def f(x):
    value = []
    for _ in range(200_000 if x == 1 else 0):
        value = [value]
    return value if x == 1 else x
