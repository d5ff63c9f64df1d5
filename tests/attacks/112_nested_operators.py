# calls: f(1)
# build: source + "x = " + "not " * 200_000 + "1"
# outcome: exception | memory | crash SIGSEGV | timeout cpu
# correct: depth that only the parser's recursion bounds ends this process alone


def f(x):
    return x
