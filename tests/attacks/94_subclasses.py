# calls: f(0); f(1); f(2); f(3); f(4); f(5); f(6)
# outcome: opaque Mine; opaque Mine; opaque Mine; opaque Mine; opaque Mine; opaque Mine; opaque Mine
# correct: a subclass of str, list, tuple, dict, set, float or bytes is opaque


def f(x):
    base = (str, list, tuple, dict, set, float, bytes)[x]
    return type("Mine", (base,), {"__eq__": lambda self, other: True, "__iter__": lambda self: iter(())})()
