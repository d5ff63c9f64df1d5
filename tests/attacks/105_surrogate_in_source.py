# calls: f(1)
# build: source + "# \ud800"
# outcome: exception UnicodeEncodeError
# correct: text that is no UTF-8 reaches the compiler, which refuses it


def f(x):
    return x
