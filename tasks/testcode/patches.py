"""`@patch(..)` and its likes around tests: they stay around the function, and hand mocks to it. By syntax
alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

_PATCH = re.compile(r"(^|\.)patch(\.object|\.dict|\.multiple)?$")


def patches_of(decorators: Iterable[ast.expr]) -> list[ast.expr]:
    """The decorators that patch something."""
    return [one for one in decorators if _kind(one) is not None]


def mocks_given(decorators: Iterable[ast.expr]) -> int:
    """How many mocks these decorators hand to a test, as its first arguments."""
    found = 0
    for one in patches_of(decorators):
        kind, call = _kind(one), one
        if not isinstance(call, ast.Call) or kind not in ("patch", "patch.object"):
            continue
        replaced = len(call.args) > (1 if kind == "patch" else 2)
        found += not replaced and not any(keyword.arg == "new" for keyword in call.keywords)
    return found


def _kind(decorator: ast.expr) -> str | None:
    if not isinstance(decorator, ast.Call):
        return None
    found = _PATCH.search(ast.unparse(decorator.func))
    return found.group(0).lstrip(".") if found else None
