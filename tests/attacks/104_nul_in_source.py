# calls: f(1)
# build: source + "\0"
# outcome: exception SyntaxError | exception ValueError
# correct: a NUL is no Python; which error says so changed with Python 3.12


def f(x):
    return x
