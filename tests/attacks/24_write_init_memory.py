# calls: f(1)
# outcome: value ['PermissionError', 'PermissionError', 'PermissionError']
# correct: PID 1's memory, descriptors and environment are closed


def f(x):
    seen = []
    for path in ("/proc/1/mem", "/proc/1/fd/3", "/proc/1/environ"):
        try:
            open(path, "r+b" if path.endswith("mem") else "rb")
            seen.append("opened")
        except OSError as error:
            seen.append(type(error).__name__)
    return seen
