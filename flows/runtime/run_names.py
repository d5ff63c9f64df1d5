"""What a run is called in the Prefect UI: its workspace, which iteration it is, and in the end what came of
it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
from prefect import get_client
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run


def first_name() -> str:
    """A run's name before it knows its iteration: `workspace: iteration`."""
    return f"{Path(str(_given('workspace'))).name or 'flywheel'}: {flow_run.flow_name}"


def evaluation_name() -> str:
    """An evaluation's name: `evaluate MODEL`."""
    return f"evaluate {_given('model', 'name') or 'the base model'}"


def _given(*path: str) -> object:
    """A setting that the run was given, by a form or in Python; "" for one that a form left empty."""
    found: object = (flow_run.parameters or {}).get("settings")
    for name in path:
        found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
    return found or ""


def rename(root: Path, text: str) -> None:
    """Call this run `WORKSPACE: text`; a server that does not answer now is no reason to stop."""
    if flow_run.id is None:
        return
    with contextlib.suppress(PrefectException, httpx.HTTPError), get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, name=f"{root.name}: {text}")
