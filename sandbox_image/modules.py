"""The module of the solution's, and how a test finds it: under whatever name it imports it."""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

from sandbox_image.handles import resolved

# Functions look names up in the builtins they were made with: a test that patches them changes nothing here.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

_LIBRARIES = (
    "pytest pytest_asyncio pytest_mock parameterized hypothesis mock freezegun anyio trio requests httpx",
    "aiohttp numpy pandas scipy sympy sklearn networkx matplotlib torch",
)
LIBRARIES = frozenset(name for line in _LIBRARIES for name in line.split())
"""What tests are written with, beside the standard library: none of these is the solution's module."""


class Solution(types.ModuleType):
    """A module whose names are the solution's, for a test that reads one there, sets it or patches it."""

    def __init__(self, name: str, channel: Any) -> None:
        super().__init__(name)
        vars(self).update(__channel__=channel, __path__=[])

    def __getattr__(self, name: str) -> Any:
        channel = vars(self)["__channel__"]
        try:
            return resolved(channel.look_up(name))
        except LookupError:
            if channel.null and name[:2] != "__":
                return channel.nothing()
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Solution) or name[:2] == "__":
            vars(self)[name] = value
        else:
            vars(self)["__channel__"].operate(".bind", (name, value), {})

    def __delattr__(self, name: str) -> None:
        vars(self)["__channel__"].operate(".bind", (name,), {})


class Finder:
    """Finds the solution's module under every name that nothing else has."""

    def __init__(self, made: Callable[[str], Solution]) -> None:
        self.made = made

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in LIBRARIES or top[:1] == "_":
            return None
        owner, _, last = name.rpartition(".")
        if owner and hasattr(sys.modules.get(owner), last):
            # A name of the solution's, which is no module of its own.
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return self.made(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing: the solution has run where it lives."""
