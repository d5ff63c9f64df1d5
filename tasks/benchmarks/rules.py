"""The comparison rules that benchmarks bring: `Case.rule` names one, and it travels with the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.benchmarks import evalplus
from tasks.records import Case

Rule = Callable[[Any, Any, Case], bool]
RULES: Mapping[str, Rule] = {"evalplus": evalplus.agrees}
"""Name -> whether a value passes for the expected one on that case."""
