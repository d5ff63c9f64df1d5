"""Every published data set's layout: recognised by its fields, and right and wrong programs judged so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.commands.execute import judge_solutions
from tasks.core.records import Solution
from tasks.execution.converters import CONVERTERS, converter_for
from tasks.execution.determinism import SandboxPair
from tasks.execution.exchange import read_problems, read_solutions, read_suites
from tasks.execution.published import exchange_files
from tests.execution.converters.samples import SAMPLES

NAMES = {
    "HUMANEVAL": "humaneval",
    "HUMANEVAL_PLUS": "evalplus",
    "MBPP_PLUS": "evalplus",
    "MBPP": "mbpp",
    "SANITIZED_MBPP": "mbpp",
    "ACECODE": "acecode",
    "KODCODE": "kodcode",
    "APPS_CALL": "apps",
    "TACO_STDIN": "apps",
    "CODECONTESTS": "codecontests",
    "LIVECODEBENCH_STDIN": "livecodebench",
    "LIVECODEBENCH_CALL": "livecodebench",
    "LEETCODE_LIST": "leetcode",
    "LEETCODE_TREE": "leetcode",
    "OPEN_R1": "open-r1",
    "OPEN_R1_CALL": "open-r1",
    "BIGCODEBENCH": "bigcodebench",
}


def test_every_layout_has_a_sample_and_is_recognised() -> None:
    found = {}
    for name, sample in SAMPLES.items():
        converter = converter_for(sample.row)
        found[name] = converter.name if converter else ""
        # No other data set's rows look like it, whatever the order in which they are asked.
        assert [one.name for one in CONVERTERS if one.recognises(sample.row)] == [found[name]]
    assert found == NAMES
    assert {*found.values()} == {converter.name for converter in CONVERTERS}


@pytest.mark.docker
@pytest.mark.parametrize("name", SAMPLES)
def test_right_and_wrong_programs_are_judged_so(name: str, seeds: SandboxPair, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    data = tmp_path / "data.jsonl"
    data.write_text(f"{json.dumps(sample.row)}\n")
    files = exchange_files(data, None, None, tmp_path, lambda _: None, published=True)
    problems = read_problems(files.problems)
    assert [*problems] == [sample.problem_id]
    suites = read_suites(files.tests, problems)
    assert len(suites[sample.problem_id]) == sample.suites
    assert all(asked.suite.cases for asked in suites[sample.problem_id])
    own = list(read_solutions(files.solutions, problems)) if files.solutions.stat().st_size else []
    solutions = [
        *own,
        *(Solution(f"right {n}", sample.problem_id, code) for n, code in enumerate(sample.right)),
        *(Solution(f"wrong {n}", sample.problem_id, code) for n, code in enumerate(sample.wrong)),
    ]
    passed: dict[str, bool] = {}
    details = {}
    for line in judge_solutions(seeds, problems, suites, solutions):
        passed[line["solution_id"]] = passed.get(line["solution_id"], True) and line["passed"]
        details[line["solution_id"], line["suite_id"]] = line["cases"]
    right = {one for one, holds in passed.items() if holds}
    assert right == {*sample.own, *(f"right {n}" for n in range(len(sample.right)))}, details
    verdicts = {case["verdict"] for key, cases in details.items() if "wrong" in key[0] for case in cases}
    assert "fail" in verdicts
    assert "invalid" not in verdicts, details
