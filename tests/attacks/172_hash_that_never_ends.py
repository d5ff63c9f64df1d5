# check: assert {f(1)} != {2}
# outcome: timeout any
# correct: an object's hash counts as the solution's time


class Slow:
    def __hash__(self):
        while True:
            pass


def f(x):
    return Slow()
