"""Files of tests beside a module `solution`, in pytest itself: a process and a folder for each pair."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def passed_beside(folder: Path, pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether all tests of each pair of code and text pass. The code is also `pkg.mod`."""
    folders = []
    for number, (code, text) in enumerate(pairs):
        own = folder / str(number)
        (own / "pkg").mkdir(parents=True)
        (own / "solution.py").write_text(code)
        (own / "pkg" / "__init__.py").write_text("")
        (own / "pkg" / "mod.py").write_text("from solution import *\n")
        (own / "test_it.py").write_text(text)
        folders.append(str(own))
    command = [sys.executable, __file__, *folders]
    codes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert len(codes) == len(pairs)
    return [code == "0" for code in codes]


def _main(folders: Sequence[str]) -> None:
    import pytest

    for folder in folders:
        pid = os.fork()
        if not pid:
            os.chdir(folder)
            sys.path.insert(0, folder)
            out = os.open("out.txt", os.O_WRONLY | os.O_CREAT)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os._exit(int(pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", folder, "test_it.py"])))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1:])
