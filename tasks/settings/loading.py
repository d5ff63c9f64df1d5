"""Settings from a preset, a file and single assignments, each layer over the one before."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, time
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from tasks.core.errors import FlywheelError
from tasks.settings.iteration import IterationSettings
from tasks.settings.renamed import with_new_names


def preset_names() -> list[str]:
    """Names of the shipped presets."""
    folder = resources.files("deployments") / "presets"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_settings(
    preset: str = "",
    config: Path | None = None,
    assignments: tuple[str, ...] = (),
    over: Mapping[str, Any] = MappingProxyType({}),
) -> IterationSettings:
    """Settings of a preset ('': those given to lie `over`, or the defaults), then a TOML file's, then
    `a.b=value` assignments.

    Raises `FlywheelError` in one sentence for an unknown preset or setting, or a value out of bounds.
    """
    values = with_new_names(over)
    if preset:
        if preset not in preset_names():
            raise FlywheelError(f"no preset is called {preset!r}: choose among {', '.join(preset_names())}.")
        text = (resources.files("deployments") / "presets" / f"{preset}.toml").read_text(encoding="utf-8")
        values = tomllib.loads(text)
    if config is not None:
        values = merged(values, _read(config))
    for assignment in assignments:
        values = merged(values, _assigned(assignment))
    try:
        return IterationSettings.model_validate(values)
    except ValidationError as error:
        raise FlywheelError(explain_validation(error)) from None


def explain_validation(error: ValidationError) -> str:
    """The first complaint of a validation, with the setting's dotted name, and how many more there are."""
    first, *more = error.errors()
    name = ".".join(str(part) for part in first["loc"] if part != "settings") or "settings"
    if first["type"] == "extra_forbidden":
        text = f"unknown setting {name!r}{_suggestion(first['loc'])}"
    else:
        complaint = first["msg"].removeprefix("Value error, ")
        # Of what concerns several fields the input is a whole section.
        value = "" if isinstance(first["input"], dict | BaseModel) else f", not {first['input']!r}"
        text = f"setting {name!r}: {complaint[:1].lower()}{complaint[1:]}{value}"
    return text + (f" (and {len(more)} more)" if more else "") + "; tasks/settings/ describes them all."


def _suggestion(location: tuple[int | str, ...]) -> str:
    """The names that the setting's section does have."""
    section: type[BaseModel] = IterationSettings
    for part in [part for part in location if part != "settings"][:-1]:
        field = section.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type):
            return ""
        if not issubclass(field.annotation, BaseModel):
            return ""
        section = field.annotation
    return f": {', '.join(section.model_fields)} exist there"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FlywheelError(f"the settings file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlywheelError(f"the settings file {path} is not TOML: {error}.") from None


def _assigned(assignment: str) -> dict[str, Any]:
    name, equals, text = assignment.partition("=")
    if not equals or not name.strip():
        raise FlywheelError(f"--set {assignment!r}: write it as section.name=value.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    if isinstance(value, date | time):
        # No setting is one; some are texts that look like one.
        value = text.strip()
    for part in reversed(name.strip().split(".")):
        value = {part: value}
    result: dict[str, Any] = value
    return result


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `base` with those of `over` in their place, section by section, by their names of today
    (`tasks.settings.renamed`)."""
    return _merged(with_new_names(base), with_new_names(over))


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        inner = result.get(name)
        result[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result
