"""What every group of settings is: a model of described and bounded fields that refuses unknown names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


def _with_bounds(schema: dict[str, Any]) -> None:
    """Puts the bounds of numbers into their descriptions: the UI's form checks but does not show them."""
    for field in schema.get("properties", {}).values():
        low, above = field.get("minimum"), field.get("exclusiveMinimum")
        high, below = field.get("maximum"), field.get("exclusiveMaximum")
        bounds = [
            f"{word} {bound:,}"
            for word, bound in (("from", low), ("above", above), ("to", high), ("below", below))
            if bound is not None
        ]
        if bounds:
            field["description"] = f"{field.get('description', '')} [{' '.join(bounds)}]"


class SettingsModel(BaseModel):
    """A group of settings. Unknown names are refused: a typo never runs with a default in silence."""

    NOT_IN_CACHE_KEY: ClassVar[Mapping[str, str]] = {}
    """Fields that only fit a run to its machine, each with the reason: with another value it is the same run,
    and finished stages stay valid."""

    model_config = ConfigDict(extra="forbid", validate_default=True, json_schema_extra=_with_bounds)
