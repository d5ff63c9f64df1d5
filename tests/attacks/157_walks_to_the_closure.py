# check: def make():\n    secret = 42\n    return lambda: secret\ncb = make()\nassert f(cb) == 42 and cb() == 42
# outcome: boundary any
# correct: no name leads from a callback to what it closes over


def f(cb):
    return cb.__closure__[0].cell_contents
