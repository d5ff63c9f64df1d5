# calls: f(1)
# outcome: no_result
# correct: a forged set whose members share one hash is refused before it costs the judge minutes

import os


def f(x):
    prime = 2**61 - 1
    members = ",".join(str(k * prime) for k in range(1, 100_000))
    report = '[0,"value","{\\"s\\":[' + members + ']}","",0.0,0.0]\n'
    for fd in range(3, 10):
        try:
            os.write(fd, report.encode())
        except OSError:
            pass
    os._exit(0)
