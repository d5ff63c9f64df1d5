"""What becomes of a run in the Prefect UI when its process was killed: *Crashed*, once somebody goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_client
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.states import Crashed

NOTE = "running"
_MESSAGE = "its process ended without a word; a later run of this workspace found it"
# By workspace: the runs of this process, a campaign and its turn.
_going_on: dict[Path, list[str]] = {}


@contextlib.contextmanager
def noted(root: Path) -> Iterator[None]:
    """Notes this flow run in a workspace whose lock it holds, as long as it goes on.

    Whatever else stands there has lost the lock without taking itself off the note: it was killed. The UI
    would call it Running for ever, so its run is ended.
    """
    ours = _going_on.setdefault(root, [])
    note = root / NOTE
    for run_id in set(note.read_text().split() if note.exists() else []).difference(ours):
        _end(run_id)
    own = str(flow_run.id)
    ours.append(own)
    note.write_text("\n".join(ours))
    try:
        yield
    finally:
        ours.remove(own)
        note.write_text("\n".join(ours))


def _end(run_id: str) -> None:
    """A run that another server knows, or none any more, is no concern of this one."""
    with (
        contextlib.suppress(PrefectException, httpx.HTTPError, ValueError),
        get_client(sync_client=True) as client,
    ):
        state = client.read_flow_run(UUID(run_id)).state
        if state is not None and not state.is_final():
            client.set_flow_run_state(UUID(run_id), Crashed(message=_MESSAGE), force=True)
