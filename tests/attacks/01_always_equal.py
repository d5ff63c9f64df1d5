# calls: f(1)
# outcome: opaque Equal
# correct: an object is no plain data, whatever it says of itself


class Equal:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def f(x):
    return Equal()
