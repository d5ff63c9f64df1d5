# calls: f(1)
# outcome: value 'left'
# correct: a twice forked daemon that goes on writing files ends before they are wiped

import itertools
import os


def f(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for n in itertools.count():
            try:
                open(f"daemon-{n}", "w").close()
            except OSError:
                pass
    os.wait()
    return "left"
