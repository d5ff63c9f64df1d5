# check: rows = [[1], [2]]\nother = f(rows)\nother[0].append(9)\nassert rows == [[1], [2]] and other is not rows
# outcome: exception AssertionError
# correct: the very argument comes back as the very argument, and a part of it as that part


def f(x):
    return [*x]
