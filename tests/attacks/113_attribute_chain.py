# calls: f(1)
# build: source + "y = f" + ".a" * 100_000
# outcome: exception | memory | crash SIGSEGV | timeout cpu
# correct: depth that only the compiler's recursion bounds ends this process alone


def f(x):
    return x
