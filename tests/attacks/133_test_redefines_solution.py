# check: def f(x):\n    return 3\nassert f(1) == 3
# outcome: value None
# null: value None
# correct: a test of its own function passes for the null candidate too: invalid


def f(x):
    return x + 1
