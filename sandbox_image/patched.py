"""Names of the library that a test patches (`patch("time.sleep")`): what stands under them in the test's
process stands under them in the solution's.

Which names a test may patch is read from its text; whether it has is looked at whenever it asks for
something.
"""

from __future__ import annotations

import builtins
import re
import sys
from typing import Any

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

MAX_NAMES = 50
_PATCHES = re.compile(r"\bpatch\b|\bmonkeypatch\b|\bsetattr\b|^\s*\w+(?:\.\w+)+\s*=[^=]", re.M)
# "time.sleep" as a text, `time, "sleep"` as two arguments, `time.sleep = ..` as a statement.
_NAMES = (
    re.compile(r"""['"]([\w.]+)\.(\w+)['"]"""),
    re.compile(r"""\b([A-Za-z_][\w.]*),\s*['"](\w+)['"]"""),
    re.compile(r"^\s*([A-Za-z_][\w.]*)\.(\w+)\s*(?:,.*)?=[^=]", re.M),
)
# What the state of a check has by itself (`state`).
_TOLD = {("builtins", "input"), ("sys", "stdin"), ("sys", "stdout"), ("sys", "stderr"), ("os", "environ")}
_MISSING = object()


class Watched:
    """The names that a test's text may patch, with what stood there before."""

    def __init__(self, source: str) -> None:
        self.before: dict[str, tuple[Any, str, Any]] = {}
        if not _PATCHES.search(source):
            return
        imported = dict(re.findall(r"\bimport\s+([\w.]+)\s+as\s+(\w+)", source))
        names = {short: long for long, short in imported.items()}
        for pattern in _NAMES:
            for owner, name in pattern.findall(source):
                if len(self.before) < MAX_NAMES:
                    self._watch(names.get(owner, owner), name)

    def _watch(self, owner: str, name: str) -> None:
        """Of `solution.time` the library's `time`: one module in both."""
        parts = owner.split(".")
        while parts and parts[0] not in sys.stdlib_module_names:
            parts.pop(0)
        if not parts or ((path := ".".join(parts)), name) in _TOLD or f"{path}.{name}" in self.before:
            return
        try:
            target = _found(path)
            self.before[f"{path}.{name}"] = (target, name, getattr(target, name))
        except Exception:
            # There is no such name: nothing that a test could patch.
            return

    def now(self) -> dict[str, Any]:
        """What stands under the names that are patched."""
        changed = {}
        for path, (target, name, before) in self.before.items():
            value = getattr(target, name, _MISSING)
            if value is not before and value is not _MISSING and not _is_same_method(value, before):
                changed[path] = value
        return changed


def _is_same_method(value: Any, before: Any) -> bool:
    """Whether these are one method of one object, which is another object each time."""
    return type(value) is type(before) and type(value).__name__ in _METHODS and value == before


_METHODS = {"method", "builtin_function_or_method", "method-wrapper"}


def _found(path: str) -> Any:
    from sandbox_image.objects import _LOUD

    top, *rest = path.split(".")
    if top in _LOUD:
        raise ValueError("not to be imported")
    value = __import__(top)
    for number, part in enumerate(rest):
        if not hasattr(value, part):
            __import__(".".join([top, *rest[: number + 1]]))
        value = getattr(value, part)
    return value


class Patched:
    """The same names in the solution's process."""

    def __init__(self) -> None:
        self.before: dict[str, Any] = {}

    def apply(self, values: dict[str, Any]) -> None:
        """Has these stand under their names, and what stood there before under all others."""
        for path in {*self.before, *values}:
            owner, _, name = path.rpartition(".")
            target = _found(owner)
            self.before.setdefault(path, getattr(target, name))
            setattr(target, name, values.get(path, self.before[path]))
