# check: rows = [1, 2]\nf(rows)\nassert f([3]) == [3] and rows == [1, 2]
# outcome: exception AssertionError
# correct: what it changes of an argument that it has kept is changed where the test is

kept = []


def f(x):
    for earlier in kept:
        earlier.append("changed")
    kept.append(x)
    return x
