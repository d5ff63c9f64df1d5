# calls: f(1); f(2)
# outcome: memory; memory
# correct: what the compiler declines to fold meets the memory limit at import

BOMB = (((("x" * 4096) * 4096) * 4096) * 4096) + "x" * (1 << 40)
POWER = ((9**9) ** 9) ** 99999


def f(x):
    return x
