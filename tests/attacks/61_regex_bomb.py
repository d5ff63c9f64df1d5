# calls: f(1)
# outcome: timeout cpu
# correct: a C call that never returns to the interpreter is ended all the same

import re


def f(x):
    return re.match("(a+)+$", "a" * 60 + "b")
