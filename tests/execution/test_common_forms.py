"""What Python programs and their tests commonly are, each form in a file of its own: pytest passes it with
the right solution and fails it with a wrong one, and so do we. No right solution fails because the sandbox
could not look.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.execute import judge_solutions
from tasks.core.records import Case, Solution, Suite
from tasks.core.values import equal
from tasks.execution.asked import AskedSuite, read_text
from tasks.execution.asked_problems import AskedProblem
from tasks.execution.determinism import SandboxPair
from tests.execution.common_forms import CODE, FAULTS, FORMS, HEAD
from tests.support.beside_pytest import passed_beside

PARTS = 5


def wrong() -> str:
    """The solution with all of its faults."""
    code = CODE
    for right, fault in FAULTS:
        assert right in code, right
        code = code.replace(right, fault)
    return code


def asked(text: str) -> AskedSuite:
    entries = tuple(read_text(text, "f"))
    cases = tuple(entry for entry in entries if isinstance(entry, Case))
    return AskedSuite(Suite("s", "p", cases), entries, equal)


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in range(1, PARTS))])
def test_forms_pass_where_they_pass_in_pytest(seeds: SandboxPair, tmp_path: Path, part: int) -> None:
    names = [*FORMS][part::PARTS]
    codes = {"right": CODE, "wrong": wrong()}
    texts = [HEAD + FORMS[name] for name in names]
    expected = passed_beside(tmp_path, [(code, text) for text in texts for code in codes.values()])
    assert expected == [True, False] * len(names)
    suites = {name: [asked(text)] for name, text in zip(names, texts, strict=True)}
    problems = {name: AskedProblem(name, "", "f", "", "execute") for name in names}
    rows = [Solution(kind, name, code) for name in names for kind, code in codes.items()]
    lines = [*judge_solutions(seeds, problems, suites, rows)]
    refused = [line["problem_id"] for line in lines if line["solution_id"] == "right" and not line["passed"]]
    assert (refused, [line for line in lines if line["solution_id"] == "wrong" and line["passed"]]) == (
        [],
        [],
    )
