# calls: f(1); f(2)
# outcome: memory; value 2
# correct: the limit is the program's, the container lives on


def f(x):
    if x == 1:
        data = []
        while True:
            data.append(bytearray(1 << 20))
    return x
