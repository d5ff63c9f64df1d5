# check: try:\n    assert f(1) == 3\nexcept BaseException:\n    pass
# outcome: value None
# null: value None
# correct: a test that catches its own assertion passes for the null candidate too: invalid


def f(x):
    return x + 1
