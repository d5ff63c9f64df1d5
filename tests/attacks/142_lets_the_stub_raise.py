# check: with pytest.raises(TypeError): f(object())
# outcome: exception AssertionError
# correct: the solution got the argument as a handle and did not raise: nothing on the way raises for it


def f(x):
    return 0
