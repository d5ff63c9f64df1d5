# calls: f(1)
# build: source + "1 is 1; '\\d'; assert (1, 2)\n" * 20_000
# outcome: value 1 | timeout cpu | memory | exception SystemError
# correct: warnings of the compiler are not the program's output; out of memory, compile() may say SystemError


def f(x):
    return x
