"""Rows of what a small model really wrote: its prompts, and its own words.

tests/data/smollm2-answers.jsonl.xz: SmolLM2-135M-Instruct on every fourth shipped statement, four solutions
and four suites each at temperature 0.7; answers of at most 80 and 112 tokens.
"""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from tasks.core.records import Problem, Sample
from tasks.datasets.kept_problem import load_kept_problems
from tasks.datasets.preferences import rows_of
from tasks.execution.determinism import SandboxPair
from tasks.execution.problem_data import join_by_problem
from tasks.execution.step import execute_shard
from tasks.filtering.decide import decide
from tasks.filtering.votes import votes_by_problem
from tasks.generation.problems import load_statements
from tasks.generation.prompts import (
    fenced,
    solver_completion,
    solver_prompt,
    verifier_completion,
    verifier_prompt,
)
from tasks.generation.sampling import parse_samples, requests_of
from tasks.settings.agreement import AgreementSettings
from tasks.settings.preferences import PreferenceSettings
from tasks.settings.sampling import SamplingSettings
from tasks.testcode.suites import case_as_written, case_key, read_case
from tests.support.formats import demo_format, demo_text

ANSWERS = Path(__file__).parents[1] / "data" / "smollm2-answers.jsonl.xz"
SETTINGS = SamplingSettings(format="smollm-demo", solutions=4, suites=4, cases_per_suite=5)


@pytest.fixture(scope="module")
def recorded() -> tuple[list[Problem], list[Sample]]:
    statements = {problem.problem_id: problem for problem in load_statements("builtin")}
    problems: dict[str, Problem] = {}
    samples = []
    with lzma.open(ANSWERS, "rt") as file:
        for row in map(json.loads, file):
            problem = problems.setdefault(row["problem_id"], statements[row["problem_id"]])
            asked = {one.role: one.request for one in requests_of(problem, SETTINGS, 0, demo_format())}
            role = row["role"]
            for index, (text, finish) in enumerate(row["answers"]):
                name = f"{problem.problem_id}/{role}/{index}"
                full = asked[role].prompt
                samples.append(Sample(name, problem.problem_id, role, index, full, text, finish, 0, 0))
    return list(problems.values()), samples


def test_a_small_models_answers_are_written_back_as_it_wrote_them(
    recorded: tuple[list[Problem], list[Sample]],
) -> None:
    problems, samples = recorded
    problem_of = {problem.problem_id: problem for problem in problems}
    sample_of = {sample.sample_id: sample for sample in samples}
    solutions, suites, _ = parse_samples(problems, samples, SETTINGS)
    assert len(solutions) > 80
    assert len(suites) > 80
    double = single = 0
    for suite in suites:
        problem, sample = problem_of[suite.problem_id], sample_of[suite.sample_id]
        prompt = verifier_prompt(problem, SETTINGS.cases_per_suite)
        assert demo_text(prompt) == sample.prompt
        written = [case_as_written(case, problem.entry_point) for case in suite.cases]
        for case, text in zip(suite.cases, written, strict=True):
            assert text in prompt.prefill + sample.completion
            again = read_case(text, problem.entry_point)
            assert not isinstance(again, str)
            assert case_key(again) == case_key(case)
            double += '"' in text
            single += "'" in text
        assert isinstance(verifier_completion(prompt, written), str)
    assert double > 10 * single
    for solution in solutions:
        prompt = solver_prompt(problem_of[solution.problem_id])
        assert demo_text(prompt) == sample_of[solution.sample_id].prompt
        assert isinstance(solver_completion(prompt, solution.code), str)


def test_every_row_has_a_sampled_prompt_and_nothing_but_what_the_model_wrote(
    seeds: SandboxPair, recorded: tuple[list[Problem], list[Sample]]
) -> None:
    problems, samples = recorded
    solutions, suites, _ = parse_samples(problems, samples, SETTINGS)
    behaviours = execute_shard(seeds, join_by_problem(problems, solutions, suites))
    rule = AgreementSettings(
        min_votes=2, min_vote_share=0.0, min_score_share=0.0, min_margin=1.0, min_outputs=1, pair_votes=2
    )
    joined = join_by_problem(problems, solutions, suites, behaviours, samples)
    decisions = [decide(one, rule) for one in votes_by_problem(joined, with_reference=False)]
    kept_problems = load_kept_problems(joined, [], decisions, SETTINGS)
    rows = rows_of(kept_problems, SETTINGS.cases_per_suite, PreferenceSettings(max_non_killing_share=1.0), 0)
    assert {row.role for row in rows.sft} == {"solver", "verifier"}
    assert {row.role for row in rows.pairs} == {"solver", "verifier"}
    answers: dict[str, list[str]] = {}
    for sample in samples:
        answers.setdefault(sample.prompt, []).append(fenced(sample.prompt, sample.completion))
    for row in rows.sft + rows.pairs:
        texts = [getattr(row, name) for name in ("completion", "chosen", "rejected") if hasattr(row, name)]
        for text in (fenced(row.prompt, one) for one in texts):
            parts = text.split("\n") if row.role == "verifier" else [text]
            for part in parts:
                assert any(part in answer for answer in answers[row.prompt]), part
