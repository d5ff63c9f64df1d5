# calls: f(1)
# build: source + "    return x\n\treturn x\n"
# outcome: exception TabError
# correct: kinds of syntax errors are told apart


def f(x):
    pass
