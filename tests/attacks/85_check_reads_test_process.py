# check: secret = 'what is expected'; assert f(1) == []
# outcome: value None
# correct: of other processes, the test's among them, nothing can be read that they hold

import os


def f(x):
    seen = []
    for pid in [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]:
        for name in ("mem", "maps", "environ", "fd", "cwd", "root", "exe", "stack", "syscall", "task"):
            path = f"/proc/{pid}/{name}"
            try:
                if name == "task":
                    open(f"{path}/{pid}/mem", "rb")
                elif os.path.islink(path) or name in ("cwd", "root", "exe"):
                    os.readlink(path)
                elif name == "fd":
                    os.listdir(path)
                else:
                    open(path, "rb").read(1)
                seen.append(path)
            except OSError:
                pass
    return seen
