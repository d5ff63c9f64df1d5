"""The child of `flywheel serve` that starts runs.

Settings come by its standard input, the server is that of PREFECT_API_URL.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from prefect import serve
from prefect.schedules import Cron

from flows.runtime.crashed_runs import tell_killed
from flows.runtime.deployments import SLUG, deployment_of
from flows.runtime.errors import explain, tell_in_one_sentence
from tasks.core.errors import FlywheelError
from tasks.pipeline.workspace import Workspace
from tasks.settings.iteration import IterationSettings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


def deployments_for(settings: IterationSettings) -> list[RunnerDeployment]:
    """The three flows with these settings. Raises `FlywheelError` when another workspace has their names."""
    from flows.campaign import campaign
    from flows.evaluation import evaluation
    from flows.iteration import iteration

    parameters = {"settings": settings.model_copy(update={"iteration": 0}).model_dump(mode="json")}
    note = (
        "The form holds all settings, filled in as `flywheel serve` was told. "
        f"Workspace: {settings.workspace}"
    )
    nightly = [Cron(settings.schedule, timezone="UTC", slug=SLUG)] if settings.schedule else []
    return [
        deployment_of(flow, settings.workspace, parameters, note, nightly if flow is iteration else [])
        for flow in (iteration, campaign, evaluation)
    ]


class _WaitingOnce(logging.Filter):
    """Prefect tells at every look that runs wait for the one that runs: tell it when their number changes."""

    def __init__(self) -> None:
        super().__init__()
        self._told: object = None

    def filter(self, record: logging.LogRecord) -> bool:
        if "skipped (at capacity)" not in str(record.msg):
            return True
        changed, self._told = record.args != self._told, record.args
        record.msg = "%d scheduled runs wait for the one that runs"
        return changed


def serve_deployments(deployments: Sequence[RunnerDeployment]) -> None:
    """Start the runs of these deployments, one after the other, until killed."""
    logging.getLogger("prefect.runner.scheduled_run_poller").addFilter(_WaitingOnce())
    serve(*deployments, limit=1, print_starting_message=False)


def main() -> None:
    """Errors that a user can act on are one sentence, and exit status 1."""
    settings = IterationSettings.model_validate_json(sys.stdin.read())
    tell_in_one_sentence()
    try:
        workspace = Workspace(settings.workspace)
        _tell_killed(workspace)
        deployments = deployments_for(settings)
        ui = os.environ["PREFECT_API_URL"].removesuffix("/api")
        print(f"open {ui}/deployments to start a run; Ctrl-C ends serving.", flush=True)
        serve_deployments(deployments)
    except Exception as error:
        if (text := explain(error)) is None:
            raise
        print(f"flywheel: {text}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None


def _tell_killed(workspace: Workspace) -> None:
    """Runs that a killed process left Running are Crashed, unless a run of the workspace goes on."""
    try:
        with workspace.lock("`flywheel serve` as it starts"):
            tell_killed(workspace.root)
    except FlywheelError:
        return


if __name__ == "__main__":
    main()
