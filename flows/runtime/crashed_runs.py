"""What becomes of a run in the Prefect UI when its process ends before it: *Cancelled* where somebody stopped
it, *Crashed*, once somebody goes on, where it was killed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.states import Cancelled, Crashed

from flows.runtime.stopping import before_the_end, take_signals_again

NOTE = "running"
_MESSAGE = "its process ended without a word; a later run of this workspace found it"
# By workspace: the runs of this process, a campaign and its iteration.
_going_on: dict[Path, list[str]] = {}


@contextlib.contextmanager
def track_flow_run(root: Path) -> Iterator[None]:
    """Notes this flow run in a workspace whose lock it holds, as long as it goes on.

    Whatever else stands there has lost the lock without taking itself off the note: it was killed. The UI
    would call it Running for ever, so its run is ended.
    """
    tell_killed(root)
    take_signals_again()
    ours = _going_on.setdefault(root, [])
    own = str(flow_run.id)
    ours.append(own)
    note = root / NOTE
    note.write_text("\n".join(ours))
    try:
        with before_the_end(lambda: end_run(own, Cancelled(message="stopped by a signal"))):
            yield
    finally:
        ours.remove(own)
        note.write_text("\n".join(ours))


def tell_killed(root: Path) -> None:
    """End the runs on the note of a workspace, whose lock is ours, that are none of this process."""
    note = root / NOTE
    ours = _going_on.get(root, [])
    for run_id in set(note.read_text().split() if note.exists() else []).difference(ours):
        end_run(run_id, Crashed(message=_MESSAGE))


def end_run(run_id: str, state: State[object]) -> None:
    """Give a run that has not ended, its runs below and their tasks this state.

    One that another server knows, or none any more, is no concern of this one.
    """
    with (
        contextlib.suppress(PrefectException, httpx.HTTPError, ValueError),
        get_client(sync_client=True) as client,
    ):
        end(client, UUID(run_id), state)


def end(client: SyncPrefectClient, run_id: UUID, state: State[object]) -> None:
    """The same, raising what the client raises; the run itself is last, so that it can be tried again."""
    known = client.read_flow_run(run_id).state
    if known is None or known.is_final():
        return
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run_id]))
    for inner in client.read_flow_runs(flow_run_filter=below):
        end(client, inner.id, state)
    going_on = TaskRunFilterState(
        type=TaskRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING]), name=None
    )
    for task in client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
        task_run_filter=TaskRunFilter(state=going_on),
    ):
        client.set_task_run_state(task.id, state, force=True)
    client.set_flow_run_state(run_id, state, force=True)
