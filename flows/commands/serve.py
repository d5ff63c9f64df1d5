"""`flywheel serve`: the flows as deployments in the Prefect UI, with a server if none is configured.

This process owns the terminal and the signals; a child of it (`flows.commands.runner`) starts the runs,
another is the server. So Ctrl-C ends a run at one place, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from flows.runtime.children import Child
from flows.runtime.server import check_server, healthy, known_server, server_at
from tasks.core.errors import FlywheelError
from tasks.pipeline.workspace import Workspace
from tasks.settings.iteration import IterationSettings

REQUEST_S, LEAVE_S = 3.0, 4.0


class _Stop(KeyboardInterrupt):
    """Somebody wants this process to end."""


def serve_flows(settings: IterationSettings, port: int) -> None:
    """Serve until interrupted. The server that was started here ends with it; one that was found stays.

    Raises `FlywheelError` when the workspace is served already, or the server knows another one of its name.
    """
    settings = settings.model_copy(update={"workspace": str(Path(settings.workspace).expanduser().resolve())})
    check_server()
    root = Workspace(settings.workspace).root
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with _served_by_us(root), _server(port, root) as api_url:
            ended = _run_until_stopped(settings, api_url)
    except _Stop:
        print("\nflywheel: stopped before anything was served.", flush=True)
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if ended:
        raise SystemExit(ended)


def _stop(number: int, frame: object) -> None:
    # A second one does not disturb what the first one ends.
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_IGN)
    raise _Stop


@contextlib.contextmanager
def _served_by_us(root: Path) -> Iterator[None]:
    """Raises `FlywheelError` when another process serves the workspace."""
    with (root / "served").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise FlywheelError(
                f"the workspace {root} is served already by {file.read().strip() or 'another process'}: end "
                "that one first, or serve another workspace."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


@contextlib.contextmanager
def _server(port: int, root: Path) -> Iterator[str]:
    """The API of a server: the known one, one that answers on the port, else our own."""
    api_url = known_server() or f"http://127.0.0.1:{port}/api"
    if healthy(api_url):
        yield api_url
        return
    print(f"starting a Prefect server on port {port} ...", flush=True)
    with server_at(port, root / "logs" / "prefect-server.log") as api_url:
        yield api_url


def _run_until_stopped(settings: IterationSettings, api_url: str) -> int:
    """The exit status of the child that starts runs; 0 when it was ended by a signal of ours."""
    from prefect.settings import (
        PREFECT_API_REQUEST_TIMEOUT,
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        temporary_settings,
    )

    runner = Child(
        "flows.commands.runner", environment={"PREFECT_API_URL": api_url}, message=settings.model_dump_json()
    )
    try:
        return runner.wait()
    except _Stop:
        # All at once, and first: nothing is left that could print, or call the run Crashed.
        runner.end()
        hurry = {PREFECT_API_REQUEST_TIMEOUT: REQUEST_S, PREFECT_CLIENT_MAX_RETRIES: 0}
        with temporary_settings({PREFECT_API_URL: api_url, **hurry}):
            told = _leave(settings)
        print(f"\nflywheel: stopped serving; {told}.", flush=True)
        return 0
    finally:
        runner.end()


def _leave(settings: IterationSettings) -> str:
    """Cancel what runs of our deployments, and have the server plan no more; what came of it, in words."""
    from flows.runtime.deployments import leave

    cancelled: list[str] = []
    deadline = time.monotonic() + LEAVE_S
    while True:
        try:
            leave(settings, cancelled.append)
            break
        except Exception as error:
            # A server on SQLite is busy now and then, and one that has ended before us answers no more.
            if time.monotonic() > deadline:
                why = f"{type(error).__name__}: {error}"
                return f"the server does not answer ({why}), so it may call a run Running that has ended"
            time.sleep(0.2)
    if not cancelled:
        return "no run was going on"
    return f"cancelled {', '.join(cancelled)}: the next run with the same settings goes on from there"
