# check: class Node:\n    def __init__(self): self.answer_ = 1\n    def check(self): return 42\nassert f(Node()) == 42
# outcome: boundary any
# correct: a class of the test's does not show its functions' insides


def f(node):
    return type(node).check.__globals__
