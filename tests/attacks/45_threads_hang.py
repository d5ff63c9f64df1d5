# calls: f(1)
# outcome: value 1
# correct: threads that go on do not hold up the end

import threading


def spin():
    while True:
        pass


def f(x):
    threading.Thread(target=spin).start()
    return x
