# calls: f(1)
# outcome: no_result
# correct: a forged report of endless depth is no result

import os


def f(x):
    for fd in range(3, 10):
        try:
            os.write(fd, b'[0,"value",' + b"[" * 500_000)
            os.write(fd, b"\n" + b'[0,"value","' + b"[" * 1000 + b"]" * 1000 + b'","",0.0,0.0]\n')
        except OSError:
            pass
    os._exit(0)
