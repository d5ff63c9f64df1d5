"""Settings by their old names: a file, an assignment, a form and a stored settings.json mean what they
meant."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import FlywheelError
from tasks.pipeline.workspace import Workspace
from tasks.settings import renamed
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings, merged
from tasks.settings.renamed import RENAMED, RenamedSettingWarning

VALUES: dict[str, Any] = {
    "sampling.solver_cool_share": 0.25,
    "sampling.solver_cool_temperature": 0.3,
    "sampling.witness_share": 0.6,
    "agreement.min_witness_share": 0.3,
    "preferences.assemble": False,
    "preferences.max_idle_share": 0.5,
    "rows.history": 2,
    "gate.meet_base_every": 5,
}
"""Old name -> a value that is not the default."""


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "_told", set())


def value_of(settings: IterationSettings, old: str) -> Any:
    section, _, name = RENAMED[old].partition(".")
    return getattr(getattr(settings, section), name)


def nested(old: str) -> dict[str, Any]:
    section, _, name = old.partition(".")
    return {section: {name: VALUES[old]}}


def test_every_renamed_setting_is_asked_here_and_exists_by_its_new_name() -> None:
    assert VALUES.keys() == RENAMED.keys()
    defaults = IterationSettings()
    for old, new in RENAMED.items():
        assert new.partition(".")[0] == old.partition(".")[0]
        assert value_of(defaults, old) != VALUES[old]


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_counts_wherever_settings_come_from_and_is_told_once(old: str, tmp_path: Path) -> None:
    section, _, name = old.partition(".")
    file = tmp_path / "old.toml"
    file.write_text(f"[{section}]\n{name} = {json.dumps(VALUES[old])}\n")
    ways: tuple[Callable[[], IterationSettings], ...] = (
        lambda: load_settings(config=file),
        lambda: load_settings(assignments=(f"{old}={json.dumps(VALUES[old])}",)),
        lambda: load_settings(over=nested(old)),
        lambda: IterationSettings.model_validate(nested(old)),
        lambda: IterationSettings.model_validate(merged(nested(old), {"seed": 3})),
    )
    for way in ways:
        renamed._told.clear()
        with pytest.warns(RenamedSettingWarning, match=f"'{old}' is called '{RENAMED[old]}' now") as told:
            assert value_of(way(), old) == VALUES[old]
        assert len(told) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert value_of(way(), old) == VALUES[old]


@pytest.mark.parametrize("old", RENAMED)
def test_a_stored_iteration_goes_on_though_its_settings_have_old_names(old: str, tmp_path: Path) -> None:
    with pytest.warns(RenamedSettingWarning):
        settings = IterationSettings.model_validate({"workspace": str(tmp_path / "w"), **nested(old)})
    workspace = Workspace(settings.workspace)
    number = workspace.begin(settings)
    path = workspace.iteration_folder(number) / "settings.json"
    stored = json.loads(path.read_text())
    section, _, name = old.partition(".")
    stored[section][name] = stored[section].pop(RENAMED[old].partition(".")[2])
    path.write_text(json.dumps(stored))
    with warnings.catch_warnings():
        # Nobody can mend a stored file.
        warnings.simplefilter("error")
        assert workspace.number_for(settings) == number
        assert workspace.iterations_with(settings) == [number]
        assert value_of(IterationSettings.model_validate(workspace.started_with(number)), old) == VALUES[old]


def test_a_later_layer_counts_by_whichever_name(tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text("[sampling]\nwitness_share = 0.6\nsolver_cool_share = 0.1\n")
    with pytest.warns(RenamedSettingWarning):
        settings = load_settings("smoke", file, ("sampling.reference_share=0.9",))
    assert (settings.sampling.reference_share, settings.sampling.low_temperature_share) == (0.9, 0.1)
    new = tmp_path / "new.toml"
    new.write_text("[sampling]\nreference_share = 0.6\n")
    settings = load_settings("smoke", new, ("sampling.witness_share=0.9",))
    assert settings.sampling.reference_share == 0.9


def test_both_names_at_once_and_names_that_never_were_are_refused() -> None:
    both = {"sampling": {"witness_share": 0.6, "reference_share": 0.7}}
    with pytest.raises(FlywheelError, match=r"unknown setting 'sampling\.witness_share'"):
        load_settings(over=both)
    with pytest.raises(FlywheelError, match=r"unknown setting 'gate\.witness_share'"):
        load_settings(over={"gate": {"witness_share": 0.6}})
