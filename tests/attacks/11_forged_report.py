# calls: f(1); f(2)
# outcome: no_result; no_result
# correct: bytes on every descriptor reach neither frames nor neighbours; they spoil its own report

import os

for fd in range(64):
    for data in (b"\x00\x00\x00\x02{}", b'[0,"value","1","",0.0,0.0]\n'):
        try:
            os.write(fd, data)
        except OSError:
            pass


def f(x):
    return x
