# calls: f(1)
# outcome: exception PermissionError
# correct: no other program takes its place

import os


def f(x):
    os.execv("/bin/true", ["true"])
