"""A line of a problems file: the problem, and how its outputs are judged; and what stands around its
programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tasks.benchmarks.code import with_preamble
from tasks.benchmarks.livecodebench import PREAMBLE
from tasks.core.errors import FlywheelError
from tasks.core.jsonl import id_of
from tasks.core.records import Problem
from tasks.execution.comparison import MODES, Comparison, Mode
from tasks.execution.nodes import DEFINITIONS, node_wrapper
from tasks.settings.judging import JudgingSettings

# What graders put in front of contest programs: LiveCodeBench's imports, and the classes that LeetCode gives.
PRELUDE = PREAMBLE + DEFINITIONS


@dataclass(frozen=True, slots=True)
class AskedProblem(Problem):
    """A problem as it was asked for. `checker` is the text of one (`tasks.execution.checkers`), "" for none;
    `preamble` the prelude; `starter_code` what its authors were given, for its annotations."""

    comparison: Comparison = field(default_factory=Comparison)
    checker: str = ""
    starter_code: str = ""


def problem_of(row: Mapping[str, Any], where: str, settings: JudgingSettings) -> AskedProblem:
    """The problem of a line. Raises `FlywheelError` naming the line."""
    problem_id = id_of(row, "problem_id", where)
    style = row.get("style", "function")
    if style not in ("function", "stdin"):
        raise FlywheelError(f"{where}: 'style' is 'function' or 'stdin', not {style!r}.")
    entry_point = row.get("entry_point") if style == "function" else ""
    # A method may be named with its class, as `Solution().f` or `Solution.f`.
    if isinstance(entry_point, str) and entry_point.startswith(("Solution().", "Solution.")):
        entry_point = entry_point.rpartition(".")[2]
    if style == "function" and not (isinstance(entry_point, str) and entry_point.isidentifier()):
        raise FlywheelError(
            f"{where}: 'entry_point' is missing or no function's name; a program that reads stdin has "
            'no entry point but "style": "stdin".'
        )
    return AskedProblem(
        problem_id,
        _text(row, "statement", where),
        cast(str, entry_point),
        "",
        "execute",
        preamble=_prelude(row, where, settings),
        comparison=_comparison(row, where, settings),
        checker=_text(row, "checker", where),
        starter_code=_text(row, "starter_code", where),
    )


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    text = row.get(name) or ""
    if not isinstance(text, str):
        raise FlywheelError(f"{where}: {name!r} must be text.")
    return text


def _prelude(row: Mapping[str, Any], where: str, settings: JudgingSettings) -> str:
    own = row.get("prelude", False)
    if not isinstance(own, str | bool):
        raise FlywheelError(f"{where}: 'prelude' is Python text, true or false.")
    if settings.prelude == "off":
        return ""
    if isinstance(own, str):
        return own if own.endswith("\n") or not own else f"{own}\n"
    return PRELUDE if own or settings.prelude == "on" else ""


def _comparison(row: Mapping[str, Any], where: str, settings: JudgingSettings) -> Comparison:
    mode, tolerance = row.get("compare", settings.compare), row.get("tolerance", settings.tolerance)
    any_order = row.get("any_order", settings.any_order)
    if mode not in MODES:
        raise FlywheelError(f"{where}: 'compare' is one of {', '.join(MODES)}, not {mode!r}.")
    if type(tolerance) not in (int, float) or not 0 <= tolerance < 1:
        raise FlywheelError(f"{where}: 'tolerance' is a number from 0 to 1.")
    if not isinstance(any_order, bool):
        raise FlywheelError(f"{where}: 'any_order' is true or false.")
    return Comparison(cast(Mode, mode), float(tolerance), any_order)


def assembled(problem: Problem, code: str, data_alone: bool) -> str:
    """The program that runs for a solution: behind its problem's prelude, and with nodes for lists where that
    is what its annotations want. `data_alone`: no test of the problem is Python text, which makes nodes of
    its own."""
    if not isinstance(problem, AskedProblem):
        return code
    wrapper = node_wrapper(code, problem.starter_code, problem.entry_point) if data_alone else ""
    before = problem.preamble
    if wrapper:
        # A definition of its own hides this one.
        before = before if "class ListNode" in before else DEFINITIONS + before
    return f"{with_preamble(before, code)}{wrapper}"
