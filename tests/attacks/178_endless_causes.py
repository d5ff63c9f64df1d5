# check: with pytest.raises(KeyError) as i:\n    f(1)\nassert i.value.args == (0,)
# outcome: value None
# correct: of what led to an exception a few are told, and none that leads to itself


def f(x):
    errors = [KeyError(n) for n in range(3000)]
    for one, other in zip(errors, errors[1:] + errors[:1], strict=True):
        one.__cause__ = one.__context__ = other
        one.own = one
    raise errors[0]
