# check: calls = []\nassert f(lambda x: calls.append(x)) == 0\nassert calls == []
# outcome: value None
# correct: a handle that is kept is of no use when nobody waits

import threading


def f(cb):
    threading.Timer(0.2, lambda: cb(1)).start()
    return 0
