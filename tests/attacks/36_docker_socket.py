# calls: f(1)
# outcome: value []
# correct: the engine's socket is not in the container

import os


def f(x):
    return [path for path in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(path)]
