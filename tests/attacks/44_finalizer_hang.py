# calls: f(1)
# outcome: opaque Sticky
# correct: finalizers of the last result never run


class Sticky:
    def __del__(self):
        while True:
            pass


def f(x):
    return Sticky()
