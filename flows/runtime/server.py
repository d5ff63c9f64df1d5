"""The Prefect server that runs report to: found, or started here and ended with us."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from flows.runtime.children import Child
from flows.runtime.stopping import before_the_end, stopped_by_signals
from tasks.core.errors import FlywheelError
from tasks.pipeline.workspace import Workspace

START_TIMEOUT_S = 120
STOP_S = 3.0
# Deployments and their schedules are of no concern to a server of one run.
_OF_ONE_RUN = ("--no-scheduler", "--no-late-runs", "--no-ui")


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


@contextlib.contextmanager
def server_at(port: int, log_file: Path, *options: str) -> Iterator[str]:
    """A server of our own as long as this lasts: its API. Raises `FlywheelError` with the log's place."""
    server = Child(
        "prefect",
        ["server", "start", "--host", "127.0.0.1", "--port", str(port), *options],
        # The pages would look for the API on Prefect's usual port.
        environment={"PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api"},
        log_file=log_file,
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not healthy(f"http://127.0.0.1:{port}/api"):
            if not server.alive or time.monotonic() > deadline:
                raise FlywheelError(
                    f"the Prefect server did not start on port {port}, perhaps because another one has it or "
                    f"holds the database: see {log_file}, or set PREFECT_API_URL to the address of a server."
                )
            time.sleep(0.2)
        with before_the_end(lambda: server.end(STOP_S)):
            yield f"http://127.0.0.1:{port}/api"
    finally:
        server.end(STOP_S)


@contextlib.contextmanager
def reporting(workspace: str) -> Iterator[None]:
    """A command's runs report to the known server, or to one that is started for them alone and keeps its log
    in the workspace; Ctrl-C and SIGTERM end them there too."""
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with contextlib.ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        if not known_server():
            log_file = Workspace(workspace).root / "logs" / "prefect-server.log"
            api_url = stack.enter_context(server_at(_free_port(), log_file, *_OF_ONE_RUN))
            stack.enter_context(temporary_settings({PREFECT_API_URL: api_url}))
            # Prefect sends what was logged last when the process ends: this server has ended by then.
            stack.callback(APILogHandler().flush)
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
