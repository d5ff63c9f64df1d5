"""The comparison rules that benchmarks bring: `Case.rule` names one, and it travels with the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.benchmarks import evalplus, livecodebench
from tasks.core.records import Case

Rule = Callable[[Any, Any, Case], bool]
RULES: Mapping[str, Rule] = {
    "evalplus": evalplus.agrees,
    "livecodebench-value": livecodebench.same_value,
    "livecodebench-stdout": livecodebench.same_output,
}
"""Name -> whether a value passes for the expected one on that case."""
