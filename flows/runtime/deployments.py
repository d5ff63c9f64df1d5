"""Deployments of a workspace on a Prefect server: their names, their schedules, and how they are left."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled
from prefect.types.entrypoint import EntrypointType

from flows.runtime.crashed_runs import end
from tasks.core.errors import FlywheelError
from tasks.settings.iteration import IterationSettings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Schedule

FLOWS = ("iteration", "campaign", "evaluation")
# Schedules that the settings made; those of the UI have no slug.
SLUG = "from-settings"
_ENDED_WITH_US = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


def deployment_name(workspace: str) -> str:
    """What the deployments of a workspace are called: as its folder, less what Prefect forbids in names."""
    return re.sub(r"[/%&<>]", "-", Path(workspace).name) or "workspace"


def origin_tag(workspace: str) -> str:
    """Tells the deployments of workspaces of one name apart."""
    return f"{socket.gethostname()}:{workspace}"


def deployment_of(
    flow: Any,
    workspace: str,
    parameters: Mapping[str, Any],
    note: str,
    schedules: Sequence[Schedule] = (),
) -> RunnerDeployment:
    """The flow's deployment. Without `schedules` of ours it keeps those that it was given in the UI.

    Raises `FlywheelError` when the server has a deployment of that name for another workspace.
    """
    name = deployment_name(workspace)
    known = _known(f"{flow.name}/{name}")
    origin = origin_tag(workspace)
    if known is not None and origin not in known.tags:
        other = next((tag for tag in known.tags if tag != "flywheel"), "another workspace")
        raise FlywheelError(
            f"the Prefect server has deployments called {name!r} of {other}: rename this workspace's folder, "
            "or delete them in the UI."
        )
    kept = _kept_schedules(flow.name, known) if known is not None and not schedules else []
    # Typed as possibly asynchronous; in synchronous code it gives the deployment itself.
    return cast(
        "RunnerDeployment",
        flow.to_deployment(
            name=name,
            parameters=dict(parameters),
            schedules=[*schedules, *kept] or None,
            description=f"{flow.description}\n\n{note}",
            tags=["flywheel", origin],
            entrypoint_type=EntrypointType.MODULE_PATH,
        ),
    )


def _kept_schedules(flow: str, known: DeploymentResponse) -> list[DeploymentScheduleCreate]:
    """The schedules made in the UI; those that earlier settings made end here.

    A deployment that is applied without schedules loses the former and keeps the latter.
    """
    kept = []
    for one in known.schedules:
        text = getattr(one.schedule, "cron", None) or str(one.schedule)
        if one.slug != SLUG:
            print(f"{flow}: the schedule {text} made in the UI stays.", flush=True)
            kept.append(DeploymentScheduleCreate(schedule=one.schedule, active=one.active))
            continue
        with get_client(sync_client=True) as client:
            client.delete_deployment_schedule(known.id, one.id)
        print(f"{flow}: the schedule {text} of an earlier start is gone: the settings have none.", flush=True)
    return kept


def _known(name: str) -> DeploymentResponse | None:
    with get_client(sync_client=True) as client:
        return _read(client, name)


def _read(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def leave(settings: IterationSettings, log_progress: Callable[[str], None]) -> None:
    """Cancel what runs of a workspace's deployments, and have the server plan no runs that nobody starts.

    Says the name of each run that it cancelled. What fails raises, and may be tried again.
    """
    name = deployment_name(settings.workspace)
    with get_client(sync_client=True) as client:
        ours = [one for flow in FLOWS if (one := _read(client, f"{flow}/{name}")) is not None]
        if not ours:
            return
        going_on = FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[one.id for one in ours]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_ENDED_WITH_US)),
        )
        for run in client.read_flow_runs(flow_run_filter=going_on):
            end(client, run.id, Cancelled(message="`flywheel serve` was stopped"))
            log_progress(run.name)
        for one in ours:
            client.pause_deployment(one.id)
