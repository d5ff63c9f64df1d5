# calls: f(1)
# outcome: memory
# correct: memory that grows by and by meets the same limit

import time


def f(x):
    data = []
    while True:
        data.append(b"x" * (1 << 20))
        time.sleep(0.002)
