"""What a run is given by the UI's form: empty fields are as served, a wrong combination is one sentence."""

from __future__ import annotations

import logging
from typing import Any, cast
from uuid import UUID

import pytest
from prefect import get_client
from prefect.flow_engine import run_flow

from flows.iteration import iteration
from flows.runtime.deployments import deployment_of
from tasks.core.errors import FlywheelError
from tasks.settings import renamed
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings
from tests.support.ticking import tell


def test_an_empty_field_of_the_form_is_as_served(prefect_server: None) -> None:
    served = load_settings("smoke", assignments=("seed=5", "workspace=w"))
    parameters = {"settings": served.model_dump(mode="json")}
    made = deployment_of(tell, "w", parameters, "A note.").apply()
    assert isinstance(made, UUID)
    # The form leaves out what was emptied.
    form = {"sampling": {"solutions": 9}, "evaluation": {"k": [1]}}
    with get_client(sync_client=True) as client:
        run = client.create_flow_run_from_deployment(made, parameters={"settings": form})
    got = cast("dict[str, Any]", run_flow(tell, flow_run=run, parameters=run.parameters))
    wanted = served.model_dump(mode="json")
    wanted["sampling"]["solutions"], wanted["evaluation"]["k"] = 9, [1]
    assert got == wanted


def test_an_old_name_in_a_form_counts_and_the_log_tells_the_new_one(
    prefect_server: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renamed, "_told", set())
    form: Any = {"rows": {"history": 3}, "sampling": {"witness_share": 0.4}}
    with caplog.at_level(logging.INFO):
        got = tell(form)
    assert (got["rows"]["replay_iterations"], got["sampling"]["reference_share"]) == (3, 0.4)
    words = [record.getMessage() for record in caplog.records]
    assert any("the setting 'rows.history' is called 'rows.replay_iterations' now" in line for line in words)


def test_fields_that_do_not_fit_each_other_are_one_sentence(
    prefect_server: None, caplog: pytest.LogCaptureFixture
) -> None:
    form: Any = {"evaluation": {"k": [1, 9]}}
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(FlywheelError, match="k 9 is more than the 4") as caught,
    ):
        iteration(form)
    assert "\n" not in str(caught.value)
    state = iteration(form, return_state=True)
    assert state.is_failed()
    assert state.message == f"Flow run encountered an exception: FlywheelError: {caught.value}"
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert told
    assert not any(record.exc_info for record in told)


def test_a_caller_in_python_gives_settings_themselves(prefect_server: None) -> None:
    settings = IterationSettings(seed=4)
    assert tell(settings) == settings.model_dump(mode="json")
