# calls: f(1)
# outcome: value 'mine'
# correct: modules in its folder are its own business, and gone with it

import os
import sys


def f(x):
    os.mkdir("__pycache__")
    for name in ("sitecustomize", "usercustomize", "math", "string", "json", "solution", "graphlib"):
        with open(f"{name}.py", "w") as file:
            file.write("NAME = 'mine'\n")
    sys.path.insert(0, os.getcwd())
    import graphlib

    return graphlib.NAME
