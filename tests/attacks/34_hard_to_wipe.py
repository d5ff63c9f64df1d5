# calls: f(1)
# outcome: value 'left'
# correct: modes, depth, links and odd names do not survive the wipe

import os


def f(x):
    os.symlink("/", "root")
    os.symlink("..", "up")
    os.link("root", "link", follow_symlinks=False)
    open(b"\xff\xfe".decode("utf-8", "surrogateescape"), "w").close()
    for n in range(100):
        os.mkdir("d")
        open("d/file", "w").close()
        os.chmod("d/file", 0)
        os.chdir("d")
    for n in range(101):
        os.chdir("..")
        try:
            os.chmod("d", 0)
        except OSError:
            pass
    return "left"
