"""Where programs can run: the backends of this project, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tasks.core.plugins import chosen, installed
from tasks.sandbox import pool
from tasks.sandbox.base import Backend
from tasks.settings.sandbox import SandboxSettings

GROUP = "flywheel.sandbox_backends"
BUILT_IN = (pool.BACKEND,)


@cache
def backends() -> Mapping[str, Backend]:
    """All backends by name. Raises `FlywheelError` when a package's is none, or is called like another."""
    return {one.name: one for one in installed(GROUP, Backend, BUILT_IN)}


def backend_of(settings: SandboxSettings) -> Backend:
    """Raises `FlywheelError` when no backend has the name that is configured."""
    return chosen(backends(), settings.backend, "sandbox.backend", "backend")
