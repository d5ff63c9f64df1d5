# calls: f(1); f(2); f(3); f(4)
# outcome: memory; output_limit; output_limit; value 4
# correct: 1 GB in memory meets the memory limit, 1 GB on the way out the output limit


def f(x):
    if x == 1:
        return "x" * (1 << 30)
    if x == 2:
        return [["x" * 1000] * 1000] * 1000
    return 1 << (1 << 26) if x == 3 else x
