# check: assert f(1) == 1
# outcome: timeout cpu
# correct: the solution's CPU time counts in a check as well


def f(x):
    while True:
        pass
