# check: def cb(n): return f(cb)\nassert f(cb) == 1
# outcome: boundary any
# correct: calls back and forth are bounded in depth


def f(cb):
    return cb(1)
