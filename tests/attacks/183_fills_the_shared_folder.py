# check: assert f(1) == 1
# outcome: value None | memory any | no_result any
# correct: a folder that is full, of bytes and of names, is empty for the next

import os
import tempfile


def f(x):
    top = tempfile.gettempdir()
    try:
        for number in range(100000):
            os.mkdir(os.path.join(top, str(number)))
    except OSError:
        pass
    try:
        with open(os.path.join(top, "0", "bytes"), "wb") as file:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
    except OSError:
        pass
    return 1
