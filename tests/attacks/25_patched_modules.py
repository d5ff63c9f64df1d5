# calls: f(1)
# outcome: value 1
# correct: the harness reads results with functions that it holds itself

import builtins
import json
import os


def nothing(*args, **kwargs):
    return "2"


json.dumps = json.JSONEncoder.encode = json.JSONEncoder.iterencode = nothing
os.write = nothing
for name in ("len", "isinstance", "str", "sorted", "repr", "type", "dict"):
    setattr(builtins, name, nothing)


def f(x):
    return x
