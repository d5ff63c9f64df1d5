"""The settings that a flow run was given: by a caller in Python, a form in the UI, a schedule.

The flows check them themselves: Prefect's own check tells fields that do not fit each other with a traceback,
and a field that was cleared in the form, which leaves it out, would mean the program's default.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from prefect import get_client
from prefect.runtime import flow_run
from pydantic import ValidationError

from flows.runtime.errors import tell_in_one_sentence
from tasks.core.errors import FlywheelError
from tasks.pipeline.stage import log_progress
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import explain_validation, merged
from tasks.settings.renamed import RenamedSettingWarning


def settings_given(given: IterationSettings | Mapping[str, Any]) -> IterationSettings:
    """The whole settings of this run; what a form left empty is as it is served.

    Raises `FlywheelError`, one sentence, for settings that are not valid.
    """
    tell_in_one_sentence()
    if isinstance(given, IterationSettings):
        return given
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", RenamedSettingWarning)
        values = merged(_served(), dict(given))
    for warning in told:
        log_progress(str(warning.message))
    try:
        return IterationSettings.model_validate(values)
    except ValidationError as error:
        raise FlywheelError(explain_validation(error)) from None


def _served() -> dict[str, Any]:
    """The settings of the deployment that this run is of; {} where there is none."""
    if flow_run.id is None:
        return {}
    with get_client(sync_client=True) as client:
        deployment = client.read_flow_run(flow_run.id).deployment_id
        parameters = client.read_deployment(deployment).parameters if deployment else {}
    return dict(parameters.get("settings") or {})
