# calls: f(1); f(2)
# outcome: timeout cpu; value 2
# correct: no handler could run while this sum lasts; none is needed


def f(x):
    return sum(range(10**12)) if x == 1 else x
