# calls: f(1)
# outcome: value [float('nan'), float('inf'), -0.0, 10**5000, -(10**5000), complex('nan+infj'), 1e-320, True]
# correct: NaN, infinities, minus zero and huge integers are data


def f(x):
    return [float("nan"), float("inf"), -0.0, 10**5000, -(10**5000), complex("nan+infj"), 1e-320, True]
