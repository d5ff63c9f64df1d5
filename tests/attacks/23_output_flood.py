# calls: f(1); f(2)
# outcome: output_limit; value 2
# correct: a flood ends at the limit and cannot be swallowed


def f(x):
    while x == 1:
        try:
            print("x" * 1000)
        except BaseException:
            pass
    return x
