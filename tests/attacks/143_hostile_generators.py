# calls: f(0); f(1); f(2); f(3); f(4); f(5)
# outcome: iterator generator 2; timeout cpu; crash SIGKILL | no_result; memory | output_limit; iterator generator 0; value 6
# correct: taking the first items runs code of the program's, under the limits of the call

import builtins
import itertools
import os

builtins.type = builtins.len = builtins.list = itertools.islice = lambda *_: 1


def f(x):
    def hostile():
        if x == 0:
            yield from (1, 2)
            raise SystemExit(0)
        while x == 1:
            pass
        if x == 2:
            os._exit(0)
        while x == 3:
            yield "x" * 100_000_000
        if x == 4:
            raise KeyboardInterrupt

    return x + 1 if x == 5 else hostile()
