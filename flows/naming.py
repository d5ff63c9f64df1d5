"""What a run is called in the Prefect UI: its workspace, which turn it is, and in the end what came of it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
from prefect import get_client
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run


def first_name() -> str:
    """A run's name before it knows its turn: `workspace: iteration`."""
    parameters = flow_run.parameters or {}
    settings = parameters.get("settings")
    root = settings.get("workspace") if isinstance(settings, dict) else getattr(settings, "workspace", "")
    return f"{Path(str(root)).name or 'flywheel'}: {flow_run.flow_name}"


def rename(root: Path, text: str) -> None:
    """Call this run `WORKSPACE: text`; a server that does not answer now is no reason to stop."""
    if flow_run.id is None:
        return
    with contextlib.suppress(PrefectException, httpx.HTTPError), get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, name=f"{root.name}: {text}")
