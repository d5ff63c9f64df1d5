# check: import builtins, json, os, sys\nbuiltins.isinstance = builtins.all = lambda *a: True\njson.loads = json.dumps = None\nsys.modules['json'] = None\nassert f(1) == 3
# outcome: exception TypeError
# correct: a test that breaks the interpreter fails by it; the next one has its own


def f(x):
    return x + 1
