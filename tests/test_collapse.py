"""Selection counters the collapse at its source: what it keeps of the small model's own rows is more varied.

The samples are real ones of SmolLM2-135M (those of the agreement study), run and agreed on here. Without
selection every vote is a row, and training sees the model's commonest one-liner most often. No model is
trained: this is about the rows, not about what they do to one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tasks.benchmarks import load_starter
from tasks.consensus import decide_all
from tasks.diversity import is_one_liner, is_uniform, program_shape
from tasks.evidence import gather
from tasks.execution import Seeds, execute_shard
from tasks.overlap import Contamination
from tasks.preferences import solver_sft, verifier_sft
from tasks.records import Problem, Sample, SftRow
from tasks.sampling import parse_samples
from tasks.selection import cases_of, good_text, select
from tasks.settings import AgreementSettings, PreferenceSettings, RowSettings
from tasks.tables import by_problem, read_table
from tests.performance.agreement_samples import SAMPLES, WARM, Drawn


def rows_of_votes(problems: Sequence[Problem], seeds: Seeds) -> list[SftRow]:
    """A row for every vote, and for every good suite, that agreement on the recorded samples gives."""
    known = {problem.problem_id for problem in problems}
    samples = [
        Sample(f"{row.problem_id}/{row.role}/{row.temperature}/{row.index}", row.problem_id, row.role,
               row.index, "", row.completion, row.finish_reason, 0, 0)  # type: ignore[arg-type]
        for row in read_table(SAMPLES, Drawn) if row.problem_id in known
    ]  # fmt: skip
    solutions, suites, _ = parse_samples(problems, samples, WARM)
    behaviours = execute_shard(seeds, problems, by_problem(solutions), by_problem(suites))
    rule = AgreementSettings(min_votes=2, min_vote_share=0, min_score_share=0, min_margin=1, min_outputs=1)
    decisions = decide_all(list(known), solutions, suites, behaviours, rule)
    everything = PreferenceSettings(sft_per_problem=100)
    rows = []
    for item in gather(problems, solutions, suites, behaviours, [], decisions):
        rows += verifier_sft(item, WARM.cases_per_suite, everything, random.Random(0))
        for vote in item.decision.chosen:
            alone = replace(item, decision=replace(item.decision, chosen=(vote,)))
            rows += solver_sft(alone, everything, random.Random(0))
    return rows


def test_what_is_kept_of_the_small_models_rows_is_more_varied(seeds: Seeds) -> None:
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
