"""HumanEval as its file has it: a made-up row in the published format, and the real tasks where they lie."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tasks.benchmarks.humaneval import FILES, load_humaneval
from tasks.benchmarks.reference import reference_records
from tasks.core.errors import FlywheelError
from tasks.core.records import Behaviour, Problem, Program, Sample
from tasks.execution.verdicts import invalid_checks, judge, plan_calls
from tasks.generation.decontamination import Contamination
from tasks.generation.sampling import parse_samples
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sampling import SamplingSettings

ROW = {
    "task_id": "HumanEval/7",
    "prompt": "from typing import List\n\n\ndef half(x):\n    return x / 2\n\n\n"
    "def halves(xs: List[int]) -> List[float]:\n"
    '    """ Halve each number.\n    >>> halves([2])\n    [1.0]\n    """\n',
    "entry_point": "halves",
    "canonical_solution": "    return [half(x) for x in xs]\n",
    "test": "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate([2, 3]) == [1.0, 1.5]\n"
    "    assert half(4) == 2\n",
}


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problem:
    with gzip.open(tmp_path / FILES[0], "wt") as file:
        file.write(json.dumps(ROW) + "\n")
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    (problem,) = load_humaneval()
    return problem


def test_a_row_becomes_a_problem(made_up: Problem) -> None:
    assert (made_up.problem_id, made_up.entry_point, made_up.split) == ("humaneval/7", "halves", "test")
    assert made_up.signature == "def halves(xs):"
    assert made_up.statement.startswith("Halve each number.\n>>> halves([2])")
    assert made_up.preamble.startswith("from typing import List")
    assert "def half(x):" in made_up.preamble
    assert "halves" not in made_up.preamble
    # A statement may speak of what it is given.
    assert made_up.statement.endswith(f"Given:\n{made_up.preamble.strip()}")


def test_a_docstring_may_stand_behind_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    code = "def halves(xs):\n    import math\n\n"
    row = {**ROW, "prompt": f'{code}    """ Halve each number.\n    """\n'}
    (tmp_path / FILES[1]).write_text(json.dumps(row))
    assert [problem.statement for problem in load_humaneval()] == ["Halve each number."]
    (tmp_path / FILES[1]).write_text(json.dumps({**ROW, "prompt": code}))
    with pytest.raises(FlywheelError, match="says nothing about the task"):
        load_humaneval()


def test_self_play_must_not_see_it(made_up: Problem) -> None:
    guard = Contamination([made_up])
    assert guard.of_text(f"Please: {made_up.statement}") is not None
    assert guard.of_code("halves", made_up.gold_solution) == made_up.problem_id


def test_what_the_prompt_provides_stands_before_a_sample(made_up: Problem) -> None:
    sample = Sample(
        "s", made_up.problem_id, "solver", 0, "", " return [half(x) for x in xs]\n```", "stop", 0, 9
    )
    (solution,), _, _ = parse_samples([made_up], [sample], SamplingSettings())
    assert solution.code == made_up.preamble + "def halves(xs):\n    return [half(x) for x in xs]\n"


def passes(sandbox: DockerSandbox, problems: list[Problem]) -> list[str]:
    """The problems whose gold passes its check, where the null candidate does not."""
    solutions, suites = reference_records(problems)
    plans = [plan_calls([suite]) for suite in suites]
    programs = [
        Program(f"{problem.problem_id} {code is None}", code, problem.entry_point, (), plan.checks)
        for problem, solution, plan in zip(problems, solutions, plans, strict=True)
        for code in (solution.code, None)
    ]
    done = list(sandbox.run(programs))
    return [
        problem.problem_id
        for problem, suite, plan, gold, null in zip(
            problems, suites, plans, done[::2], done[1::2], strict=True
        )
        if judge(gold.checks[0], suite.cases[0]) == "pass"
        and not invalid_checks(Behaviour("null", problem.problem_id, (), null.checks), plan)
    ]


def test_gold_passes_its_check_and_the_null_candidate_does_not(
    sandbox: DockerSandbox, made_up: Problem
) -> None:
    assert passes(sandbox, [made_up]) == [made_up.problem_id]


def test_all_of_humaneval_passes(sandbox: DockerSandbox) -> None:
    problems = load_humaneval()
    assert passes(sandbox, problems) == [problem.problem_id for problem in problems]
    assert len(problems) == 164


def test_a_row_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    (tmp_path / FILES[1]).write_text(json.dumps({**ROW, "entry_point": "absent"}))
    with pytest.raises(FlywheelError, match="HumanEval/7 cannot be read"):
        load_humaneval()
