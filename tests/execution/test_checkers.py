"""Checkers: several right answers, judged beside nothing of the candidate's, in real containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.commands.agree import decide_chunk, read_material
from flows.commands.execute import judge_solutions
from tasks.execution.determinism import SandboxPair
from tasks.execution.equivalence import leaders
from tasks.execution.exchange import RowsByProblem, read_problems, read_solutions, read_suites
from tasks.settings.agreement import AgreementSettings
from tasks.settings.judging import JudgingSettings
from tests.execution.test_exchange import write

PAIR = """
def check(input, output, reference):
    xs, total = input
    if reference is None:
        return output is None
    i, j = output
    return i != j and xs[i] + xs[j] == total
"""
FIRST = """
def pair(xs, total):
    for i in range(len(xs)):
        for j in range(i + 1, len(xs)):
            if xs[i] + xs[j] == total:
                return i, j
"""
LAST = """
def pair(xs, total):
    for i in reversed(range(len(xs))):
        for j in reversed(range(len(xs))):
            if i != j and xs[i] + xs[j] == total:
                return [i, j]
"""
MIDDLE = """
def pair(xs, total):
    found = [(i, j) for i in range(len(xs)) for j in range(len(xs)) if i != j and xs[i] + xs[j] == total]
    return found[len(found) // 2] if found else None
"""
SAME = "def pair(xs, total):\n    return (0, 0)\n"
CRASHES = "def pair(xs, total):\n    return 'no'\n"
CASES = [
    {"args": [[1, 4, 2, 3, 5], 6], "expected": [0, 4]},
    {"args": [[2, 2, 2], 4], "expected": [0, 1]},
    {"args": [[1], 5], "expected": None},
    {"args": [[1, 2, 3, 4], 5], "expected": [3, 0]},
]


def files(folder: Path, codes: dict[str, str], checker: str, cases: Any = CASES) -> tuple[Path, Path, Path]:
    """A problem of pairs, its solutions and one suite."""
    return (
        write(folder / "p.jsonl", {"problem_id": "pair", "entry_point": "pair", "checker": checker}),
        write(
            folder / "s.jsonl",
            *({"problem_id": "pair", "solution_id": name, "code": code} for name, code in codes.items()),
        ),
        write(folder / "t.jsonl", {"problem_id": "pair", "suite_id": "t", "cases": cases}),
    )


def judged(seeds: SandboxPair, folder: Path, *args: Any) -> dict[str, dict[str, Any]]:
    """The line of every solution."""
    problems, solutions, tests = files(folder, *args)
    known = read_problems(problems)
    lines = judge_solutions(seeds, known, read_suites(tests, known), list(read_solutions(solutions, known)))
    return {line["solution_id"]: line for line in lines}


@pytest.mark.docker
def test_any_right_answer_passes_and_no_wrong_one(seeds: SandboxPair, tmp_path: Path) -> None:
    codes = {"first": FIRST, "last": LAST, "middle": MIDDLE, "same": SAME, "crashes": CRASHES}
    lines = judged(seeds, tmp_path, codes, PAIR)
    assert [name for name, line in lines.items() if line["passed"]] == ["first", "last", "middle"]
    details = {case["detail"] for line in lines.values() for case in line["cases"]}
    assert "the checker does not take it for right" in details
    assert any(detail.startswith("the checker does not take it for right: TypeError") for detail in details)
    assert {case["verdict"] for line in lines.values() for case in line["cases"]} == {"pass", "fail"}


@pytest.mark.docker
@pytest.mark.parametrize(
    ("checker", "why"),
    [
        ("def check(input, output, reference):\n    return input.x\n", ": AttributeError"),
        ("def check(input, output, reference):\n    return False\n", ""),
        ("def check(input, output):\n    return True\n", ": TypeError"),
        ("check = (", ": SyntaxError"),
        ("def check(input, output, reference):\n    while True: pass\n", ": timeout cpu"),
    ],
)
def test_a_checker_that_refuses_the_reference_fails_nobody(
    seeds: SandboxPair, tmp_path: Path, checker: str, why: str
) -> None:
    line = judged(seeds, tmp_path, {"first": FIRST}, checker, CASES[:1])["first"]
    (case,) = line["cases"]
    assert case["verdict"] == "invalid"
    assert case["detail"].startswith(f"the checker does not take the expected output itself for right{why}")


@pytest.mark.docker
def test_outputs_that_a_checker_never_ends_on_are_no_other_programs_trouble(
    seeds: SandboxPair, tmp_path: Path
) -> None:
    checker = (
        "def check(input, output, reference):\n    while output < 0: pass\n    return output == reference\n"
    )
    codes = {
        "hangs": "def pair(x):\n    return -1\n",
        "right": "def pair(x):\n    return x\n",
        "wrong": "def pair(x):\n    return x + 1\n",
    }
    lines = judged(seeds, tmp_path, codes, checker, [{"args": [x], "expected": x} for x in range(13)])
    assert [name for name, line in lines.items() if line["passed"]] == ["right"]
    assert {case["verdict"] for case in lines["wrong"]["cases"] + lines["hangs"]["cases"]} == {"fail"}


@pytest.mark.docker
def test_a_candidate_cannot_reach_its_checker(seeds: SandboxPair, tmp_path: Path) -> None:
    """What patches all in reach, and returns what pretends to be right, is judged as what it returned."""
    patches = (
        "import builtins, sys\n"
        "class Right(tuple):\n    def __eq__(self, other):\n        return True\n    __hash__ = None\n"
        "def pair(xs, total):\n"
        "    builtins.sorted = builtins.len = lambda *a, **k: 0\n"
        "    sys.modules['__main__'].__dict__['check'] = lambda *a: True\n"
        "    return Right((0, 0))\n"
    )
    line = judged(seeds, tmp_path, {"patches": patches, "first": FIRST}, PAIR)
    assert line["first"]["passed"]
    assert not line["patches"]["passed"]
    assert {case["verdict"] for case in line["patches"]["cases"]} <= {"fail", "invalid"}


@pytest.mark.docker
def test_right_answers_vote_as_one(seeds: SandboxPair, tmp_path: Path) -> None:
    codes = {"first": FIRST, "last": LAST, "middle": MIDDLE, "same": SAME, "again": SAME + "# 2\n"}
    codes["plus"] = "def pair(xs, total):\n    return (1, 2)\n"
    for checker, chosen in ((PAIR, ["first", "last", "middle"]), ("", [])):
        problems, solutions, tests = files(tmp_path, codes, checker)
        known = read_problems(problems)
        materials = [
            read_material(
                known["pair"],
                RowsByProblem(solutions, "solution_id", known),
                RowsByProblem(tests, "suite_id", known),
            )
        ]
        settings = AgreementSettings(min_votes=3, min_score_share=0)
        ((decided),) = decide_chunk(seeds, materials, settings, JudgingSettings())
        line = decided.line
        assert line["chosen"] == chosen
        groups = [group["solutions"] for group in line["groups"]]
        assert (["first", "last", "middle"] in groups) is bool(checker)
        if checker:
            assert len(line["cases"]) == len(CASES)


@given(st.lists(st.integers(0, 12), unique=True, max_size=9), st.data())
def test_no_two_of_a_set_are_apart_and_order_alone_decides(outputs: list[int], data: st.DataObject) -> None:
    texts = [str(output) for output in outputs]
    pairs = [(one, other) for one in texts for other in texts if one < other]
    together = {pair for pair in pairs if data.draw(st.booleans())}

    def same(one: str, other: str) -> bool:
        return one == other or (min(one, other), max(one, other)) in together

    found = leaders(texts, same)
    assert found.keys() == {*texts}
    for one in texts:
        for other in texts:
            assert found[one] != found[other] or same(one, other)
    # Where the relation is transitive, its classes are the sets.
    groups = {text: int(text) % 3 for text in texts}
    found = leaders(texts, lambda one, other: groups[one] == groups[other])
    assert all((found[a] == found[b]) is (groups[a] == groups[b]) for a in texts for b in texts)
