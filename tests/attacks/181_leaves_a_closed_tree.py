# check: assert f(1) == 1
# outcome: value None
# correct: what a solution leaves in the folder that it shares with its test is gone before the next

import os
import tempfile


def f(x):
    top = tempfile.gettempdir()
    folder = top
    for number in range(30):
        folder = os.path.join(folder, f"deep{number}")
        os.mkdir(folder)
        open(os.path.join(folder, "left.py"), "w").close()
    left = os.path.join(folder, "left.py")
    for make, *paths in ((os.symlink, "/etc", "link"), (os.link, left, "hard"), (os.mkfifo, "pipe")):
        try:
            make(*paths[:-1], os.path.join(top, paths[-1]))
        except OSError:
            pass
    for path, folders, files in os.walk(top, topdown=False):
        for name in folders + files:
            try:
                os.chmod(os.path.join(path, name), 0)
            except OSError:
                pass
    return 1
