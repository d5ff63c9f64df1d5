# check: assert all(map(lambda x: f(x) == x + 1, [1, 2]))
# outcome: exception
# correct: an exception that bears the name of one that ends loops ends none either


class Done(StopIteration):
    pass


def f(x):
    raise type("Done", (Exception,), {})()
