# calls: f(1)
# outcome: value ['PermissionError', 'PermissionError', 'PermissionError']
# correct: PID 1 has another uid

import os
import signal


def f(x):
    seen = []
    for pid, number in ((os.getppid(), signal.SIGKILL), (1, signal.SIGSTOP), (1, signal.SIGTERM)):
        try:
            os.kill(pid, number)
            seen.append("sent")
        except OSError as error:
            seen.append(type(error).__name__)
    return seen
