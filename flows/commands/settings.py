"""`flywheel settings`: every setting with default, bounds and description, read off the settings' models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.core.errors import FlywheelError
from tasks.core.markdown import table
from tasks.settings.iteration import IterationSettings

_HEAD = """# Settings

Every setting of a run, as `flywheel settings` prints it. Give them with `--set sampling.solutions=16`, in a
TOML file (`--config`), or in the form of the Prefect UI. A name that is not here is refused. `make docs`
writes this page anew.
"""
_SAID = (
    ("minimum", "from"),
    ("exclusiveMinimum", "above"),
    ("maximum", "to"),
    ("exclusiveMaximum", "below"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as text: its name in its section, default, allowed values and description."""

    name: str
    default: str
    allowed: str
    description: str


def settings_by_section() -> dict[str, list[Setting]]:
    """The settings of each section in the order of the form; section "" holds those of no section."""
    schema = IterationSettings.model_json_schema()
    parts: dict[str, list[Setting]] = {"": []}
    for name, field in schema["properties"].items():
        if "$ref" in field:
            section = schema["$defs"][field["$ref"].rpartition("/")[2]]
            parts[name] = [_setting(inner, value) for inner, value in section["properties"].items()]
        else:
            parts[""].append(_setting(name, field))
    return parts


def settings_markdown(section: str = "") -> str:
    """The page `docs/settings.md`, or the table of one section. Raises `FlywheelError` for an unknown one."""
    parts = settings_by_section()
    if section and section not in parts:
        names = ", ".join(name for name in parts if name)
        raise FlywheelError(f"there are no settings called {section!r}: choose among {names}.")
    if section:
        return "\n".join(_table(section, parts[section]))
    lines = [_HEAD]
    for name, settings in parts.items():
        lines += [f"## {name or 'The run'}", "", *_table(name, settings), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(section: str, settings: list[Setting]) -> Iterator[str]:
    names = [f"{section}.{one.name}" if section else one.name for one in settings]
    yield from table(
        ("setting", "default", "allowed", "what it does"),
        (
            (f"`{name}`", f"`{one.default}`", one.allowed, one.description)
            for name, one in zip(names, settings, strict=True)
        ),
    )


def _setting(name: str, field: Mapping[str, Any]) -> Setting:
    # The form repeats the bounds at the end of the description; here they have a column.
    description = field.get("description", "").rpartition(" [from ")[0] or field.get("description", "")
    description = description.rpartition(" [above ")[0] or description
    return Setting(name, _default(field.get("default")), _allowed(field), description)


def _default(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _allowed(field: Mapping[str, Any]) -> str:
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_allowed(field['items'])}"
    bounds = [f"{word} {field[name]:,}" for name, word in _SAID if name in field]
    return " ".join(bounds) or {"boolean": "true, false", "string": "text"}.get(field.get("type", ""), "")
