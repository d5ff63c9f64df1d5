# calls: f(1)
# build: source + "x = 1\n" * ((10 << 20) // 6)
# outcome: memory | timeout cpu
# correct: the compiler's memory and time are the program's


def f(x):
    return x
