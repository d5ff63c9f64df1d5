# calls: f(1); f(2)
# outcome: no_result; no_result
# correct: a process that is gone before its calls has no result for any

import os

os._exit(0)
