"""Serving for real: servers, deployments, schedules, signals."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.objects import DeploymentSchedule, FlowRun
from prefect.client.schemas.schedules import SCHEDULE_TYPES, CronSchedule
from prefect.schedules import Cron, Schedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.commands.runner import _WaitingOnce
from flows.commands.serve import _served_by_us, serve_flows
from flows.runtime.deployments import SLUG, deployment_of, leave
from flows.runtime.server import server_at
from tasks.core.errors import FlywheelError
from tasks.pipeline.workspace import Workspace
from tasks.settings.iteration import IterationSettings
from tests.support.ticking import tick

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a whole server, its scheduler included, with a database of its own."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_HOME", str(home))
        environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        with server_at(free_port(), home / "server.log") as api_url:
            yield api_url


SCHEDULED = """
from datetime import timedelta
from prefect.schedules import Interval
from flows.runtime.deployments import deployment_of
from flows.commands.runner import serve_deployments
from tasks.pipeline.workspace import Workspace
from tests.support.ticking import tick
serve_deployments([deployment_of(tick, "/w", {}, "Every few seconds.", [Interval(timedelta(seconds=5))])])
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
        serving.kill()
    assert len(done) >= 2, f"no two runs of a schedule in {PATIENCE_S} s"
    times = [(run.start_time, run.expected_start_time) for run in done]
    assert all(begun and expected and begun >= expected for begun, expected in times)


def schedules_of(deployment_id: UUID) -> list[DeploymentSchedule]:
    with get_client(sync_client=True) as client:
        return client.read_deployment(deployment_id).schedules


def apply(workspace: str, *schedules: Schedule) -> UUID:
    deployment_id = deployment_of(tick, workspace, {}, "A note.", schedules).apply()
    assert isinstance(deployment_id, UUID)
    return deployment_id


def test_schedules_of_the_ui_stay_and_those_of_settings_end_with_them(
    prefect_server: None, capsys: pytest.CaptureFixture[str]
) -> None:
    nightly = Cron("0 2 * * *", timezone="UTC", slug=SLUG)
    made = apply("/somewhere/kept", nightly)
    assert [one.slug for one in schedules_of(made)] == [SLUG]
    assert apply("/somewhere/kept") == made
    assert schedules_of(made) == []
    assert capsys.readouterr().out == (
        "tick: the schedule 0 2 * * * of an earlier start is gone: the settings have none.\n"
    )
    with get_client(sync_client=True) as client:
        hand_made: list[tuple[SCHEDULE_TYPES, bool]] = [(CronSchedule(cron="5 5 * * *"), True)]
        client.create_deployment_schedules(made, hand_made)
    apply("/somewhere/kept")
    assert capsys.readouterr().out == "tick: the schedule 5 5 * * * made in the UI stays.\n"
    (kept,) = schedules_of(made)
    assert isinstance(kept.schedule, CronSchedule)
    assert (kept.schedule.cron, kept.active) == ("5 5 * * *", True)
    apply("/somewhere/kept", nightly)
    assert [one.slug for one in schedules_of(made)] == [SLUG]


def test_workspaces_of_one_server_do_not_take_over_each_other(prefect_server: None) -> None:
    first, second = apply("/somewhere/one"), apply("/somewhere/two")
    assert first != second
    with pytest.raises(FlywheelError, match=r"has deployments called 'one' of .*:/somewhere/one: rename"):
        apply("/elsewhere/one")


def test_a_workspace_is_served_once(tmp_path: Path) -> None:
    settings = IterationSettings(workspace=str(tmp_path / "w"))
    root = Workspace(tmp_path / "w").root
    with (
        _served_by_us(root),
        pytest.raises(FlywheelError, match=rf"served already by process {os.getpid()} on .*: end that one"),
    ):
        serve_flows(settings, free_port())
    with _served_by_us(root):
        pass


def test_leaving_without_deployments_leaves_nothing(prefect_server: None, tmp_path: Path) -> None:
    said: list[str] = []
    leave(IterationSettings(workspace=str(tmp_path / "never served")), said.append)
    assert said == []


def test_runs_that_wait_are_told_of_when_their_number_changes() -> None:
    waiting = _WaitingOnce()

    def told(message: str, *arguments: int) -> str:
        record = logging.LogRecord("x", logging.INFO, "", 0, message, arguments, None)
        return record.getMessage() if waiting.filter(record) else ""

    prefects, ours = "%d scheduled runs skipped (at capacity)", "scheduled runs wait for the one that runs"
    assert [told(prefects, count) for count in (2, 2, 3, 3)] == [f"2 {ours}", "", f"3 {ours}", ""]
    assert told("another of %d", 1) == "another of 1"
