"""A line of a problems file: the problem, and how its outputs are judged; and what stands around its
programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.benchmarks.code import with_preamble
from tasks.benchmarks.livecodebench import PREAMBLE
from tasks.core.errors import FlywheelError
from tasks.core.jsonl import row_of
from tasks.core.records import Problem
from tasks.execution.comparison import Comparison
from tasks.execution.lines import ProblemLine
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
    line = row_of(ProblemLine, row, where)
    entry_point = line.entry_point if line.style == "function" else ""
    # A method may be named with its class, as `Solution().f` or `Solution.f`.
    if isinstance(entry_point, str) and entry_point.startswith(("Solution().", "Solution.")):
        entry_point = entry_point.rpartition(".")[2]
    if line.style == "function" and not (isinstance(entry_point, str) and entry_point.isidentifier()):
        raise FlywheelError(
            f"{where}: 'entry_point' is missing or no function's name; a program that reads stdin has "
            'no entry point but "style": "stdin".'
        )
    return AskedProblem(
        line.problem_id,
        line.statement,
        entry_point,
        "",
        "execute",
        preamble=_prelude(line.prelude, settings),
        comparison=Comparison(
            settings.compare if line.compare is None else line.compare,
            settings.tolerance if line.tolerance is None else line.tolerance,
            settings.any_order if line.any_order is None else line.any_order,
        ),
        checker=line.checker,
        starter_code=line.starter_code,
    )


def _prelude(own: str | bool, settings: JudgingSettings) -> str:
    if settings.prelude == "off":
        return ""
    if isinstance(own, str):
        return own if own.endswith("\n") or not own else f"{own}\n"
    return PRELUDE if own or settings.prelude == "on" else ""


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
