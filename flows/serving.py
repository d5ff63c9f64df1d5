"""`flywheel serve`: the flows as deployments in the Prefect UI, with a server if none is configured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tasks.errors import FlywheelError
from tasks.settings import IterationSettings
from tasks.workspace import Workspace

if TYPE_CHECKING:
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Schedule

START_TIMEOUT_S = 90
DEPLOYMENT = "local"


def healthy(api_url: str) -> bool:
    """Whether a Prefect server answers there."""
    try:
        with urllib.request.urlopen(f"{api_url.rstrip('/')}/health", timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def known_server() -> str:
    """The API of the server that runs report to: PREFECT_API_URL, else the Prefect profile's; "" if none."""
    if "PREFECT_API_URL" in os.environ:
        return os.environ["PREFECT_API_URL"]
    from prefect.settings import load_current_profile

    return load_current_profile().to_environment_variables().get("PREFECT_API_URL", "")


def check_server() -> None:
    """Raises `FlywheelError` when the known server does not answer."""
    api_url = known_server()
    if api_url and not healthy(api_url):
        of_profile = "PREFECT_API_URL" not in os.environ
        otherwise = "run `prefect config unset PREFECT_API_URL`" if of_profile else "unset PREFECT_API_URL"
        raise FlywheelError(
            f"no Prefect server answers at {api_url}: start it, or {otherwise} to have one started."
        )


def start_server(port: int, log_file: Path) -> subprocess.Popen[bytes]:
    """A server of our own, healthy when this returns. Raises `FlywheelError` with the log's place if not."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # The pages would look for the API on Prefect's usual port.
            env={**os.environ, "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api"},
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        if healthy(f"http://127.0.0.1:{port}/api"):
            return server
        time.sleep(0.5)
    server.terminate()
    raise FlywheelError(
        f"the Prefect server did not start on port {port}: see {log_file}, or choose another with --port."
    )


def serve_flows(settings: IterationSettings, port: int) -> None:
    """Serve until interrupted. The server that was started here ends with it; one that was found stays."""
    settings = settings.model_copy(update={"workspace": str(Path(settings.workspace).expanduser().resolve())})
    check_server()
    api_url = known_server() or f"http://127.0.0.1:{port}/api"
    server = None
    if not healthy(api_url):
        print(f"starting a Prefect server on port {port} ...", flush=True)
        server = start_server(port, Workspace(settings.workspace).root / "logs" / "prefect-server.log")
    from prefect.settings import PREFECT_API_URL, temporary_settings

    try:
        with temporary_settings({PREFECT_API_URL: api_url}):
            _serve(settings, api_url.removesuffix("/api"))
    finally:
        if server is not None:
            server.terminate()
            server.wait(timeout=30)


def _serve(settings: IterationSettings, ui_url: str) -> None:
    from prefect.schedules import Cron

    from flows.campaign import campaign
    from flows.evaluation import evaluation
    from flows.iteration import iteration

    parameters = {"settings": settings.model_copy(update={"iteration": 0}).model_dump(mode="json")}
    note = (
        "The form holds all settings, filled in as `flywheel serve` was told. "
        f"Workspace: {settings.workspace}"
    )
    nightly = [Cron(settings.schedule, timezone="UTC")] if settings.schedule else []
    deployments = [
        deployment_of(flow, parameters, note, nightly if flow is iteration else [])
        for flow in (iteration, campaign, evaluation)
    ]
    print(f"open {ui_url}/deployments to start a run; Ctrl-C ends serving.", flush=True)
    serve_deployments(deployments)


def serve_deployments(deployments: Sequence[RunnerDeployment]) -> None:
    """Start the runs of these deployments, one after the other, until interrupted."""
    from prefect import serve

    serve(*deployments, limit=1, print_starting_message=False)


def deployment_of(
    flow: Any, parameters: Mapping[str, Any], note: str, schedules: Sequence[Schedule]
) -> RunnerDeployment:
    """The flow's deployment. Without `schedules` of ours it keeps those that it was given in the UI."""
    from prefect.types.entrypoint import EntrypointType

    kept = [] if schedules else _schedules(f"{flow.name}/{DEPLOYMENT}")
    for one in kept:
        print(f"{flow.name}: the schedule made in the UI stays: {one.schedule}", flush=True)
    # Typed as possibly asynchronous; in synchronous code it gives the deployment itself.
    return cast(
        "RunnerDeployment",
        flow.to_deployment(
            name=DEPLOYMENT,
            parameters=dict(parameters),
            schedules=[*schedules, *kept] or None,
            description=f"{flow.description}\n\n{note}",
            tags=["flywheel"],
            entrypoint_type=EntrypointType.MODULE_PATH,
        ),
    )


def _schedules(name: str) -> list[DeploymentScheduleCreate]:
    """The schedules that a deployment has on the server; none where there is no such deployment yet."""
    from prefect import get_client
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            known = client.read_deployment_by_name(name).schedules
        except ObjectNotFound:
            return []
    return [DeploymentScheduleCreate(schedule=one.schedule, active=one.active) for one in known]
