# calls: f(1)
# outcome: value ['PermissionError', 'PermissionError', 'PermissionError', 'PermissionError']
# correct: no file, no file in memory and no program of the image can be executed

import os
import shutil
import sys


def f(x):
    shutil.copy("/bin/true", "copy")
    os.chmod("copy", 0o700)
    with open("script", "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod("script", 0o700)
    fd = os.memfd_create("true", 0)
    with open("/bin/true", "rb") as file:
        os.write(fd, file.read())
    seen = []
    for path in ("./copy", "./script", f"/proc/self/fd/{fd}", sys.executable):
        try:
            os.execv(path, ["true"])
        except OSError as error:
            seen.append(type(error).__name__)
    return seen
