"""Settings that were called otherwise: files, assignments, forms and stored settings of before still
count."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

RENAMED = {
    "sampling.solver_cool_share": "sampling.low_temperature_share",
    "sampling.solver_cool_temperature": "sampling.low_temperature",
    "sampling.witness_share": "sampling.reference_share",
    "agreement.min_witness_share": "agreement.min_reference_share",
    "preferences.assemble": "preferences.recombine",
    "preferences.max_idle_share": "preferences.max_non_killing_share",
    "rows.history": "rows.replay_iterations",
    "gate.meet_base_every": "gate.baseline_check_every",
}
"""Old name -> the name of today, both with their section; a section keeps its settings."""
_told: set[str] = set()


class RenamedSettingWarning(FutureWarning):
    """A setting was given by its old name."""


def with_new_names(settings: Mapping[str, Any], tell: bool = True) -> dict[str, Any]:
    """Plain settings, whole or in part, with every old name replaced by the one of today.

    `tell`: warn, once a name and process. A setting given by both names keeps both, so that validation
    refuses the old one.
    """
    found = dict(settings)
    for old, new in RENAMED.items():
        section, _, name = old.partition(".")
        _, _, today = new.partition(".")
        part = found.get(section)
        if not isinstance(part, Mapping) or name not in part or today in part:
            continue
        found[section] = {today if key == name else key: value for key, value in part.items()}
        if tell and old not in _told:
            _told.add(old)
            warnings.warn(
                f"the setting {old!r} is called {new!r} now: write that, the old name ends with a later "
                f"version.",
                RenamedSettingWarning,
                stacklevel=2,
            )
    return found
