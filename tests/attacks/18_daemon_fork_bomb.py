# calls: f(1)
# outcome: value 'left'
# correct: daemons in sessions of their own that go on forking are swept

import os


def f(x):
    if os.fork() == 0:
        os.setsid()
        while True:
            try:
                if os.fork() == 0:
                    os.setsid()
            except OSError:
                pass
    return "left"
