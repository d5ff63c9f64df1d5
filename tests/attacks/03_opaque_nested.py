# calls: f(1)
# outcome: nested-opaque Answer
# correct: a cheat inside a list is opaque inside the list


class Answer(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def f(x):
    return [1, Answer("anything")]
