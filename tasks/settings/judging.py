"""Settings of how `flywheel execute` and `flywheel agree` judge what a file leaves open."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings.base import SettingsModel


class JudgingSettings(SettingsModel):
    """What `flywheel execute` and `flywheel agree` take for granted where a problem's line says nothing else.
    No iteration reads it."""

    prelude: Literal["problem", "on", "off"] = Field(
        "problem",
        description="Imports in front of programs: problem puts in front what a problem's line asks for, "
        "on the usual ones in front of others too, off none.",
    )
    compare: Literal["exact", "tokens", "float", "wrapped", "lines"] = Field(
        "exact",
        description="How outputs are compared: exact up to white space at the end of lines, tokens by words, "
        "float by words with a tolerance for decimal fractions, wrapped as APPS, lines as LiveCodeBench.",
    )
    tolerance: float = Field(
        1e-6,
        ge=0,
        lt=1,
        description="What compare=float forgives, absolute and relative to the expected number.",
    )
    any_order: bool = Field(
        False, description="The items of a returned list, or the lines of stdout, may come in any order."
    )
    checker_outputs: int = Field(
        64,
        ge=2,
        le=1024,
        description="Distinct outputs of one call that a checker or a tolerance compares with each other in "
        "agreement; those of the fewest solutions beyond that stay apart.",
    )
