# calls: f(1)
# outcome: timeout cpu
# correct: the end comes from outside; there is nothing to swallow

import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def f(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
