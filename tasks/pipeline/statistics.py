"""What a stage counted: one frozen class a step, beside the step, stored in the manifest with its kind.

A figure is called by its field's name; where people read another one, or none because its entries have names
of their own (title ""), the field's title says so. What is None was not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.core.errors import FlywheelError

KINDS: dict[str, type[Statistics]] = {}
"""Kind -> class, of all steps whose modules were imported."""
Kind = TypeVar("Kind", bound="Statistics")


class Figures(BaseModel):
    """Described figures that never change, as JSON and back without a loss."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Statistics(Figures):
    """The base of all steps' statistics. A subclass names its `kind` by a literal with itself as default."""

    kind: str

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        KINDS[cls.model_fields["kind"].default] = cls


def statistics_as(kind: type[Kind], stored: Mapping[str, Any], stage: str) -> Kind:
    """A stage's stored statistics as those of its step.

    Raises `FlywheelError` where they are another step's, none, or have figures that this version does not
    know.
    """
    try:
        return kind.model_validate(stored)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, part["loc"])) or part["msg"] for part in error.errors()[:3])
        raise FlywheelError(
            f"the stored figures of {stage} are none of this version ({fields}): use the program's version "
            "that wrote them."
        ) from None


def figures(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored statistics as objects, by the names that people read, without their kind and what is None; those
    of a step that is not at hand as they are stored."""
    kind = KINDS.get(stored.get("kind", ""))
    plain = {name: value for name, value in stored.items() if name != "kind"}
    return plain if kind is None else named_figures(kind.model_validate(stored))


def named_figures(of: BaseModel) -> dict[str, Any]:
    """All fields of a model and of the models in it by the names that people read."""
    found: dict[str, Any] = {}
    for name, field in type(of).model_fields.items():
        value = _named(getattr(of, name))
        if name == "kind" or value is None:
            continue
        found |= value if field.title == "" else {field.title or name: value}
    return found


def _named(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return named_figures(value)
    if isinstance(value, Mapping):
        return {name: _named(one) for name, one in value.items()}
    return value
