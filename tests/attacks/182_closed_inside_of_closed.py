# check: import os, tempfile\ntop = tempfile.gettempdir()\nassert f(top) == 1\nfor name in sorted(os.listdir(top)):\n    inner = os.path.join(top, name, 'of_test')\n    os.mkdir(inner)\n    open(os.path.join(inner, 'file'), 'w').close()\n    assert f(inner) == 1\n    os.chmod(inner, 0)\nassert f(None) == 0
# outcome: value None
# correct: each of two users has closed what lies in the other's folder: it goes by turns

import os

MADE = []


def f(folder):
    if folder is None:
        for path in MADE[:3]:
            os.chmod(path, 0)
        return 0
    for number in range(3):
        path = os.path.join(folder, f"of_solution{number}")
        os.mkdir(path)
        MADE.append(path)
    return 1
