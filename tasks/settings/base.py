"""What every group of settings is: a model of described and bounded fields that refuses unknown names."""

from __future__ import annotations

from typing import Any

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

    model_config = ConfigDict(extra="forbid", validate_default=True, json_schema_extra=_with_bounds)
