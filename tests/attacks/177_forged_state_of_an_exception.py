# check: with pytest.raises(ValueError) as i:\n    f(1)\nassert type(i.value) is ValueError and i.value.code == 5\nassert i.value.__traceback__ is not None and i.value.__dict__.keys() == {"code"}
# outcome: value None
# correct: an exception brings its attributes, and no name that means something to the interpreter


class OtherError(ValueError):
    pass


def f(x):
    error = ValueError("x")
    error.code = 5
    error.__dict__["__class__"] = OtherError
    error.__dict__["__traceback__"] = None
    error.__dict__["__setstate__"] = OtherError
    raise error
