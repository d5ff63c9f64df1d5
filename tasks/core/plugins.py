"""What installed packages add: objects behind entry points of a group, beside those of this project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Protocol, TypeVar

from tasks.core.errors import FlywheelError


class Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


def installed(group: str, kind: type[T], built_in: Iterable[T]) -> list[T]:
    """The project's own objects, then one for each entry point of `group` in installed packages.

    Raises `FlywheelError` when an entry point cannot be imported, is no `kind`, or takes a name that is
    taken: a package that is installed by accident must not change what a name means.
    """
    found = {one.name: one for one in built_in}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        package = point.dist.name if point.dist else "a package"
        try:
            loaded = point.load()
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise FlywheelError(
                f"{point.value} of {package}, which offers itself as one of {group}, cannot be imported "
                f"({told}): mend {package}, or uninstall it."
            ) from error
        if not isinstance(loaded, kind):
            raise FlywheelError(
                f"{point.value} of {package} is no {kind.__module__}.{kind.__name__}, which {group} "
                f"asks for: mend {package}, or uninstall it."
            )
        if loaded.name in found:
            raise FlywheelError(
                f"{point.value} of {package} calls itself {loaded.name!r}, and so does another one of "
                f"{group}: uninstall {package}, or have it renamed."
            )
        found[loaded.name] = loaded
    return list(found.values())


def chosen(found: Mapping[str, T], name: str, setting: str, what: str) -> T:
    """The one that a setting names. Raises `FlywheelError` when there is none of that name."""
    if name not in found:
        raise FlywheelError(
            f"setting '{setting}': no {what} is called {name!r}: choose among {', '.join(found)}."
        )
    return found[name]
