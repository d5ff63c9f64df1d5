# calls: f(1); f(2)
# outcome: value {1: 'c', (): 0}; nested-opaque Key
# correct: equal keys are one key, a hostile key is opaque


class Key:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


def f(x):
    return {1: "a", True: "b", 1.0: "c", (): 0} if x == 1 else {Key(): 1}
