# calls: f(1)
# build: source + "#" * (10 << 20)
# outcome: value 1
# correct: a large source is no fault of the sandbox


def f(x):
    return x
