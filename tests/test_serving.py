"""Serving for real: servers, deployments, schedules, signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.serving import start_server

REPOSITORY = Path(__file__).parent.parent
PATIENCE_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a whole server, its scheduler included, with a database of its own."""
    home = tmp_path_factory.mktemp("prefect")
    port = free_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_HOME", str(home))
        environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        server = start_server(port, home / "server.log")
    try:
        yield f"http://127.0.0.1:{port}/api"
    finally:
        server.terminate()
        server.wait()


SCHEDULED = """
from datetime import timedelta
from prefect.schedules import Interval
from flows.serving import deployment_of, serve_deployments
from tests.ticking import tick
serve_deployments([deployment_of(tick, {}, "Every few seconds.", [Interval(timedelta(seconds=5))])])
"""


def scheduled_runs() -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return [run for run in client.read_flow_runs() if run.auto_scheduled]


def test_a_schedule_starts_runs(api_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PREFECT_API_URL": api_url, "PREFECT_HOME": str(tmp_path)}
    with (
        temporary_settings({PREFECT_API_URL: api_url}),
        subprocess.Popen([sys.executable, "-c", SCHEDULED], cwd=REPOSITORY, env=environment) as serving,
    ):
        deadline = time.monotonic() + PATIENCE_S
        done: list[FlowRun] = []
        while len(done) < 2 and time.monotonic() < deadline and serving.poll() is None:
            time.sleep(1)
            done = [run for run in scheduled_runs() if run.state and run.state.is_completed()]
        serving.send_signal(signal.SIGINT)
        serving.wait()
    assert len(done) >= 2, f"no two runs of a schedule in {PATIENCE_S} s"
    assert all(run.start_time and run.start_time >= run.expected_start_time for run in done)
