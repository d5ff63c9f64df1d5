# calls: f(1)
# outcome: value 'left'
# correct: sessions of their own and ignored signals save no process from the sweep

import os
import signal


def f(x):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    if os.fork() == 0:
        while True:
            try:
                if os.fork() == 0:
                    os.setsid()
            except OSError:
                pass
    return "left"
