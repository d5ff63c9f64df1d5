"""A run whose process was killed is told of as Crashed by the next run of its workspace, and no other is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from prefect import flow, get_client
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL

from flows.runtime.crashed_runs import track_flow_run

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parents[2]
# A run that is killed while its iteration goes on: both stand on the note.
KILLED = """
import os, signal, sys
from pathlib import Path
from prefect import flow
from flows.runtime.crashed_runs import track_flow_run

@flow
def iteration():
    with track_flow_run(Path(sys.argv[1])):
        os.kill(os.getpid(), signal.SIGKILL)

@flow
def campaign():
    with track_flow_run(Path(sys.argv[1])):
        iteration()

campaign()
"""


def states(run_ids: list[str]) -> list[str]:
    with get_client(sync_client=True) as client:
        found = [client.read_flow_run(UUID(run_id)).state for run_id in run_ids]
    return [str(state.name) for state in found if state is not None]


@flow
def inner(root: Path) -> str:
    with track_flow_run(root):
        return (root / "running").read_text()


@flow
def outer(root: Path) -> tuple[str, str, str]:
    with track_flow_run(root):
        return str(flow_run.id), inner(root), (root / "running").read_text()


def test_a_killed_run_is_crashed_once_somebody_goes_on(prefect_server: None, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL, check=False)
    assert done.returncode == -signal.SIGKILL
    killed = (tmp_path / "running").read_text().split()
    assert states(killed) == ["Running", "Running"]
    own, while_inner, after_inner = outer(tmp_path)
    assert states([*killed, own]) == ["Crashed", "Crashed", "Completed"]
    assert while_inner.split()[0] == own
    assert len(while_inner.split()) == 2
    assert after_inner == own
    assert (tmp_path / "running").read_text() == ""


def test_a_run_of_another_server_is_no_reason_to_stop(prefect_server: None, tmp_path: Path) -> None:
    (tmp_path / "running").write_text("8b7a2f3e-0000-4000-8000-000000000000\nnonsense")
    own, _, _ = outer(tmp_path)
    assert states([own]) == ["Completed"]
