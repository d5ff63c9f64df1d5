# calls: f(1)
# outcome: value ['PermissionError', 'OSError', 'OSError', 'left']
# correct: no FIFO, no link to what belongs to others; symlinks are removed and not followed

import os


def f(x):
    seen = []
    for plant in (
        lambda: os.mkfifo("fifo"),
        lambda: os.link("/proc/1/status", "hard"),
        lambda: os.symlink("/", "/scratch/test/link"),
    ):
        try:
            plant()
            seen.append("planted")
        except PermissionError as error:
            seen.append("PermissionError" if not seen else "OSError")
        except OSError:
            seen.append("OSError")
    for n, target in enumerate(("/", "/scratch/test", "/proc/1/root", "missing", "/dev/zero", "loop-5")):
        os.symlink(target, f"loop-{n}")
    return [*seen, "left"]
