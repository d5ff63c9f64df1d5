# calls: f(1)
# build: source + "return 1\n"
# outcome: exception SyntaxError
# correct: errors that only the compiler's later passes find are syntax errors too


def f(x):
    return x
