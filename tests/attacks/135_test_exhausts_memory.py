# check: f(1)\nx = []\nwhile True:\n    x.append(bytearray(1 << 20))
# outcome: memory
# correct: a test's memory is bounded like a solution's


def f(x):
    return x
