# check: import os\nf(1)\nfor fd in range(3, 10):\n    try:\n        os.write(fd, b'[0,"value","null","",0.0,0.0]\\n')\n    except OSError:\n        pass\nos._exit(0)
# outcome: value None | no_result
# null: value None | no_result
# correct: a test may forge its own pass, but then it passes for the null candidate too: invalid


def f(x):
    return x + 1
