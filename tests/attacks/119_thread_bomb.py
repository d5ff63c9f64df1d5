# calls: f(1); f(2)
# outcome: value True; value 2
# correct: threads end at the process limit

import threading


def f(x):
    if x == 2:
        return x
    hold = threading.Event()
    for _ in range(1000):
        try:
            threading.Thread(target=hold.wait).start()
        except RuntimeError:
            return True
