# calls: f(1)
# outcome: output_limit | opaque too deep
# correct: a small object that reads as 2**150 items is cut off


def f(x):
    value = [1]
    for _ in range(150):
        value = [value, value]
    return value
