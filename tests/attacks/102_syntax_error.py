# calls: f(1)
# build: source + "def g(:\n"
# outcome: exception SyntaxError
# correct: no part of a program that does not compile runs

import os

os._exit(0)
