# calls: f(1); f(2)
# outcome: exception KeyboardInterrupt; exception KeyboardInterrupt
# correct: what ends the import is every call's outcome


def f(x):
    return x


raise KeyboardInterrupt
