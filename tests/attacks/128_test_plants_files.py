# check: import os\nopen('conftest.py', 'w').close()\nos.mkdir('deep')\nos.chmod('.', 0o777) if os.stat('.').st_uid == os.getuid() else None\nassert f(1) == 2
# outcome: value None
# correct: the next test finds an empty folder


def f(x):
    return x + 1
