"""Whole suites before whole solutions: in pytest itself, and in the sandbox."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.commands.execute import judge_solutions
from tasks.core.records import Case, Solution, Suite
from tasks.core.values import equal
from tasks.execution.asked import AskedSuite, read_text
from tasks.execution.asked_problems import AskedProblem
from tasks.execution.determinism import SandboxPair

Passed = dict[tuple[int, str], bool]
"""By suite and solution, whether all tests pass."""


def passed_by_pytest(folder: Path, suites: Sequence[str], solutions: Mapping[str, str]) -> Passed:
    """One module a suite and solution, one run for all."""
    for number, text in enumerate(suites):
        for name, code in solutions.items():
            (folder / f"test_{number}_{name}.py").write_text(f"{code}\n{text}")
    report = folder / "report.xml"
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    command.append("--continue-on-collection-errors")
    subprocess.run([sys.executable, *command, str(folder)], capture_output=True, check=False, cwd=folder)
    passed = {f"test_{number}_{name}": True for number in range(len(suites)) for name in solutions}
    for case in ElementTree.parse(report).iter("testcase"):
        named = [part for part in case.get("classname", "").split(".") if part in passed]
        module = named[0] if named else case.get("name", "")
        passed[module] = passed[module] and not any(part.tag in ("failure", "error") for part in case)
    return {
        (number, name): passed[f"test_{number}_{name}"] for number in range(len(suites)) for name in solutions
    }


def passed_here(
    seeds: SandboxPair, suites: Sequence[str], solutions: Mapping[str, str], entry_point: str
) -> Passed:
    """The same as `flywheel execute` has it."""
    problem = AskedProblem("p", "", entry_point, "", "execute")
    asked = []
    for number, text in enumerate(suites):
        entries = tuple(read_text(text, entry_point))
        cases = tuple(entry for entry in entries if isinstance(entry, Case))
        asked.append(AskedSuite(Suite(str(number), "p", cases), entries, equal))
    rows = [Solution(name, "p", code) for name, code in solutions.items()]
    lines = judge_solutions(seeds, {"p": problem}, {"p": asked}, rows)
    return {(int(line["suite_id"]), line["solution_id"]): line["passed"] for line in lines}
