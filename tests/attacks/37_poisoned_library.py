# calls: f(1)
# outcome: value 'read-only'
# correct: what other programs import cannot be written

import os
import sys


def f(x):
    written = []
    for folder in [*sys.path, os.path.dirname(os.__file__), "/opt/flywheel", "/tmp", "/dev/shm", "/scratch"]:
        for name in ("sitecustomize.py", "math.py"):
            try:
                with open(os.path.join(folder, name), "w") as file:
                    file.write("raise SystemExit")
                written.append(folder)
            except OSError:
                pass
    return written or "read-only"
