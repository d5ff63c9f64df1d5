"""Kill -9 during sampling, execution and training: the same command goes on, and the tables are identical."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.core.tables import read_plain
from tasks.pipeline.workspace import Workspace

pytestmark = [pytest.mark.soak, pytest.mark.model]

REPOSITORY = Path(__file__).parents[2]
TIMES = {"cpu_ms", "wall_ms", "peak_kb"}
POINTS = ("sample-self-play", "execute-self-play", "train-sft")


def command(workspace: Path) -> list[str]:
    """A small real iteration: few problems in small shards, so that kills fall between shards."""
    options = (
        "problems.max_statements=12", "problems.propose=0", "sampling.shard_problems=3",
        "sampling.max_solution_tokens=64", "sampling.max_suite_tokens=96", "sampling.solutions=6",
        "agreement.min_votes=2", "agreement.min_vote_share=0.0", "agreement.min_score_share=0.0",
        "agreement.min_margin=1.0", "agreement.min_outputs=1", "training.min_rows=1",
    )  # fmt: skip
    arguments = ["run", "--preset", "smoke", "--workspace", str(workspace)]
    for option in options:
        arguments += ["--set", option]
    return [sys.executable, "-c", "from flows.cli import main; main()", *arguments]


def run(workspace: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command(workspace), cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def kill_in(workspace: Path, stage: str, environment: dict[str, str]) -> None:
    """Start the command and kill its process, not its children, once the stage has begun to leave work."""
    process = subprocess.Popen(
        command(workspace), cwd=REPOSITORY, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    folder = workspace / "iterations" / "0001"
    wanted = {"train-sft": f"{stage}-*/training.log", "execute-self-play": f"{stage}-*"}
    pattern = wanted.get(stage, f"{stage}-*/shards/*.parquet")
    deadline = time.monotonic() + 900
    while not list(folder.glob(pattern)):
        assert process.poll() is None, f"ended before {stage}"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def tables(workspace: Path) -> dict[str, list[dict[str, Any]]]:
    """All tables by stage and name, without times."""

    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: timeless(inner) for name, inner in value.items() if name not in TIMES}
        return [timeless(item) for item in value] if isinstance(value, list) else value

    opened = Workspace(workspace)
    return {
        f"{entry['stage']}/{name}": [timeless(row) for row in read_plain(opened.root / ref["path"])]
        for entry in opened.manifest(1)["stages"].values()
        for name, ref in entry["tables"].items()
    }


def test_three_kills_change_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect")}
    undisturbed, killed = tmp_path / "a", tmp_path / "b"
    run(undisturbed, environment)
    kept: dict[Path, int] = {}
    for stage in POINTS:
        kill_in(killed, stage, environment)
        for path, written in kept.items():
            if path.exists():
                assert path.stat().st_mtime_ns == written, f"{path} was computed again"
        kept = {path: path.stat().st_mtime_ns for path in killed.rglob("*.parquet")}
        assert kept
    text = run(killed, environment)
    assert "reused, nothing to compute" in text
    for path, written in kept.items():
        if path.exists():
            assert path.stat().st_mtime_ns == written, f"{path} was computed again"
    one, two = tables(undisturbed), tables(killed)
    assert one.keys() == two.keys()
    for name in one:
        assert one[name] == two[name], f"{name} differs"
    assert not list(killed.rglob("*.tmp"))
