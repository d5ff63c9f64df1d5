# calls: f(1)
# outcome: value ['PermissionError', 'PermissionError', 'PermissionError']
# correct: no way back to another uid

import os


def f(x):
    seen = []
    for step in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.setresuid(-1, 20000, -1)):
        try:
            step()
            seen.append("done")
        except OSError as error:
            seen.append(type(error).__name__)
    return seen
