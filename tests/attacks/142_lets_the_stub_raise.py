# check: with pytest.raises(TypeError): f(object())
# outcome: boundary any
# correct: the solution never saw the argument, so nothing that it did is what the test wants


def f(x):
    return 0
