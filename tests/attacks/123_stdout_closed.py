# stdin: ''; ''
# outcome: value 'done'; value 'done'
# correct: a program may close its stdout: what was printed stands

import sys

print("done", end="")
sys.stdout.close()
