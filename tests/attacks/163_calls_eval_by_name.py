# check: secret = 42\ncb = lambda g, x: g(x)\nassert f(cb) == secret
# outcome: exception NameError
# correct: a function that the solution hands over runs where the solution is, but for those that only look


def f(cb):
    return cb(eval, "secret")
