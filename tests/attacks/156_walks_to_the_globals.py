# check: secret = 42\ndef cb(x): return x\nassert f(cb) == secret
# outcome: boundary any
# correct: no name leads from a callback to its frame


def f(cb):
    return cb.__globals__["secret"]
