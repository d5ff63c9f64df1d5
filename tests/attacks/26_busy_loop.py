# calls: f(1); f(2)
# outcome: timeout cpu; value 2
# correct: CPU time decides; the next call runs in a fresh process


def f(x):
    while x == 1:
        pass
    return x
