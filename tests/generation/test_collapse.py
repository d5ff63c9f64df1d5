"""Selection counters the collapse at its source: what it keeps of the small model's own rows is more varied.

The samples are real ones of SmolLM2-135M (those of the agreement study), run and agreed on here. Without
selection every vote is a row, and training sees the model's commonest one-liner most often. The long test
trains a model on either and looks at what it writes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from benchmarks.agreement_samples import SAMPLES, WARM, Drawn, study_problems
from tasks.benchmarks.files import data_file
from tasks.benchmarks.starter import load_starter
from tasks.core.records import Problem, Role, Sample
from tasks.core.rows import SftRow
from tasks.core.tables import read_table
from tasks.datasets.kept_problem import load_kept_problems
from tasks.datasets.row_filters import cases_of, good_text, select
from tasks.datasets.solver_rows import solver_sft
from tasks.datasets.verifier_rows import verifier_sft
from tasks.execution.determinism import SandboxPair
from tasks.execution.problem_data import join_by_problem
from tasks.execution.step import execute_shard
from tasks.filtering.decide import decide_all
from tasks.generation.decontamination import Contamination
from tasks.generation.diversity import diversity_of, is_one_liner, is_uniform, program_shape
from tasks.generation.problems import load_statements
from tasks.generation.sampling import draw_samples, parse_samples
from tasks.inference.sampler import VllmSampler
from tasks.models.base import cache_folder
from tasks.models.chat_format import format_of
from tasks.models.resolve import resolve_model
from tasks.settings.agreement import AgreementSettings
from tasks.settings.engine import EngineSettings
from tasks.settings.model import ModelSettings
from tasks.settings.preferences import PreferenceSettings
from tasks.settings.rows import RowSettings
from tasks.settings.sampling import SamplingSettings
from tasks.settings.training import TrainingSettings
from tasks.training.process import run_training
from tasks.training.step import write_rows

ASKED = SamplingSettings(
    format="smollm-demo",
    solutions=10,
    suites=5,
    low_temperature_share=0,
    max_solution_tokens=80,
    max_suite_tokens=112,
)
ROWS_SEEN = 96
SHARD = 20


def rows_of_votes(problems: Sequence[Problem], seeds: SandboxPair) -> list[SftRow]:
    """A row for every vote, and for every good suite, that agreement on the recorded samples gives."""
    known = {problem.problem_id for problem in problems}
    samples = [
        Sample(f"{row.problem_id}/{row.role}/{row.temperature}/{row.index}", row.problem_id,
               cast("Role", row.role), row.index, "", row.completion, row.finish_reason, 0, 0)
        for row in read_table(SAMPLES, Drawn) if row.problem_id in known
    ]  # fmt: skip
    solutions, suites, _ = parse_samples(problems, samples, WARM)
    behaviours = execute_shard(seeds, join_by_problem(problems, solutions, suites))
    rule = AgreementSettings(min_votes=2, min_vote_share=0, min_score_share=0, min_margin=1, min_outputs=1)
    joined = join_by_problem(problems, solutions, suites, behaviours)
    decisions = decide_all(joined, rule)
    everything = PreferenceSettings(sft_per_problem=100)
    rows = []
    for item in load_kept_problems(joined, [], decisions):
        rows += verifier_sft(item, WARM.cases_per_suite, everything, random.Random(0))
        for vote in item.decision.chosen:
            alone = replace(item, decision=replace(item.decision, chosen=(vote,)))
            rows += solver_sft(alone, everything, random.Random(0))
    return rows


def test_what_is_kept_of_the_small_models_rows_is_more_varied(seeds: SandboxPair) -> None:
    problems = {problem.problem_id: problem for problem in load_starter() if problem.split == "dev"}
    votes = rows_of_votes(list(problems.values()), seeds)
    kept = select(votes, 1, problems, Contamination([]), RowSettings(held_out=0)).rows

    def shares(rows: Sequence[SftRow]) -> tuple[float, float, float]:
        """Of programs: one-liners, distinct shapes; of suites: those that expect one value only."""
        programs = [good_text(row) for row in rows if row.role == "solver"]
        suites = [
            cases_of(row, problems[row.problem_id].entry_point) for row in rows if row.role == "verifier"
        ]
        return (
            sum(map(is_one_liner, programs)) / len(programs),
            len(set(map(program_shape, programs))) / len(programs),
            sum(map(is_uniform, suites)) / len(suites),
        )

    # On 2026-11-25: 111 rows with 86 % one-liners, 58 % distinct shapes, 96 % uniform suites; 16 kept with
    # 75, 92 and 50 %.
    one_liners, shapes, uniform = shares(votes)
    one_liners_kept, shapes_kept, uniform_kept = shares(kept)
    assert one_liners_kept < one_liners
    assert shapes_kept > shapes + 0.2
    assert uniform_kept < uniform


def varied(model: Path, problems: Sequence[Problem], folder: Path) -> dict[str, float]:
    """How varied the model's answers to these problems are."""
    engine = VllmSampler(model, "float32", 512, EngineSettings(cpu_kv_cache_gb=1), folder)
    try:
        samples = draw_samples(engine, problems, ASKED, 1, format_of(model, ASKED))
    finally:
        engine.close()
    return diversity_of(samples, parse_samples(problems, samples, ASKED)[0])


def learnt(model: Path, rows: Sequence[SftRow], folder: Path) -> Path:
    """The model after `ROWS_SEEN` of these rows."""
    write_rows(folder / "rows.jsonl", random.Random(1).sample(rows, len(rows)))
    settings = TrainingSettings(sft_epochs=ROWS_SEEN / len(rows), sft_learning_rate=5e-5)
    run_training(
        "sft", model, folder / "rows.jsonl", folder / "model", settings, "float32", 0,
        folder / "training.log", print,
    )  # fmt: skip
    return folder / "model"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.model
@pytest.mark.skipif(data_file("sanitized-mbpp.json") is None, reason="MBPP needs FLYWHEEL_DATA_DIR")
def test_a_model_that_learns_what_is_kept_stays_more_varied(seeds: SandboxPair, tmp_path: Path) -> None:
    drawn = {row.problem_id for row in read_table(SAMPLES, Drawn)}
    problems = [problem for problem in study_problems() if problem.problem_id in drawn]
    votes = []
    for start in range(0, len(problems), SHARD):
        votes += rows_of_votes(problems[start : start + SHARD], seeds)
    by_id = {problem.problem_id: problem for problem in problems}
    kept = select(votes, 1, by_id, Contamination([]), RowSettings(held_out=0)).rows
    base = resolve_model(ModelSettings(), cache_folder(), print)
    asked = random.Random(0).sample(load_statements("builtin"), 16)
    shares = {}
    for name, rows in (("votes", votes), ("kept", kept)):
        (tmp_path / name).mkdir()
        shares[name] = varied(learnt(base, rows, tmp_path / name), asked, tmp_path / name)
    # On 2026-11-25, 673 votes and 224 kept: the base writes 78 % distinct programs, 74 % distinct shapes and
    # 99 % one-liners; after 96 votes 49, 44 and 100 %; after 96 kept rows 58, 55 and 94 %. Asserts that are
    # repeated within a suite are not held back: 1 % before, 6 % after the votes, 14 % after the kept rows.
    assert shares["kept"]["distinct programs"] > shares["votes"]["distinct programs"]
    assert shares["kept"]["distinct shapes"] > shares["votes"]["distinct shapes"]
    assert shares["kept"]["one-liners"] < shares["votes"]["one-liners"]
