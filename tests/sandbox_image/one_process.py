"""Checks beside a solution: in one process, and in a container."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any

import pytest

from tasks.core.records import Program
from tasks.sandbox.pool import DockerSandbox


def true_of(code: str, check: str) -> bool:
    """Whether a check passes beside the solution."""
    namespace: dict[str, Any] = {"pytest": pytest, "isclose": isclose, "__name__": __name__}
    try:
        # Programs of these tests only.
        exec(compile(code, "<solution>", "exec", dont_inherit=True), namespace)
        exec(compile(check, "<check>", "exec", dont_inherit=True), namespace)
    except BaseException:
        return False
    return True


def kinds(sandbox: DockerSandbox, code: str | None, checks: Sequence[str]) -> list[str]:
    """What each check comes to in a container."""
    (execution,) = sandbox.run([Program("p", code, "f", (), tuple(checks))])
    return [outcome.kind for outcome in execution.checks]
