# calls: f(1); f(2)
# outcome: output_limit; value 2
# correct: a result over the limit is an outcome, the next call is answered


def f(x):
    return "x" * (8 << 20) if x == 1 else x
