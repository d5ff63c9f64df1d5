# check: assert f(1) and not f(1)
# outcome: exception AssertionError | boundary any
# correct: an object has one truth an evaluation, and both are asked here


class Turn:
    def __bool__(self):
        return True


def f(x):
    return Turn()
