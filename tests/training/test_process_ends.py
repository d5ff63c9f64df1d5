"""How training's child process ends: killed, interrupted, or with its parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.core.errors import FlywheelError
from tasks.training.process import run_training
from tests.training.test_training import LEARN, ROWS, write

pytestmark = pytest.mark.model


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(process: int, within: float) -> bool:
    end = time.monotonic() + within
    while alive(process) and time.monotonic() < end:
        time.sleep(0.1)
    return not alive(process)


def test_a_killed_child_fails_cleanly(tmp_path: Path, tiny: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", ROWS)
    settings = LEARN.model_copy(update={"sft_epochs": 100})
    child = 0

    def log_progress(line: str) -> None:
        nonlocal child
        if found := re.search(r"in process (\d+)", line):
            child = int(found[1])
        if "step" in line:
            os.kill(child, signal.SIGKILL)

    with pytest.raises(FlywheelError, match="killed by SIGKILL"):
        run_training(
            "sft", tiny, rows, tmp_path / "out", settings, "float32", 0, tmp_path / "log", log_progress
        )
    assert sorted(os.listdir(tmp_path)) == ["log", "rows.jsonl"]


def test_an_interrupt_ends_the_child(tmp_path: Path, tiny: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", ROWS)
    said: list[str] = []

    def log_progress(line: str) -> None:
        said.append(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training("sft", tiny, rows, tmp_path / "out", LEARN, "float32", 0, tmp_path / "log", log_progress)
    assert not alive(int(re.findall(r"in process (\d+)", said[0])[0]))
    assert sorted(os.listdir(tmp_path)) == ["log", "rows.jsonl"]


PARENT = """
import sys
from pathlib import Path
from tasks.settings.iteration import TrainingSettings
from tasks.training.process import run_training
model, rows, folder = map(Path, sys.argv[1:])
say = lambda line: print(line, flush=True)
run_training("sft", model, rows, folder / "out", TrainingSettings(), "float32", 0, folder / "log", say)
"""


def test_a_child_ends_with_its_parent(tmp_path: Path, tiny: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", ROWS)
    command = [sys.executable, "-c", PARENT, str(tiny), str(rows), str(tmp_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        child = int(re.findall(r"in process (\d+)", parent.stdout.readline())[0])
        assert alive(child)
        parent.kill()
    assert gone(child, within=10)
    assert not (tmp_path / "out").exists()
