# calls: f([1, [2]]); f([1, [2]])
# outcome: value [1, ['mutated']]; value [1, ['mutated']]
# correct: every call has arguments of its own, whatever became of the last ones

kept = []


def f(x):
    for old in kept:
        old.clear()
    kept.append(x)
    x[1][:] = ["mutated"]
    return x
