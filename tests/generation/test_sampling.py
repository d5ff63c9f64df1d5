"""What is asked of the model for one problem, and what is written down of its answers."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.records import Sample
from tasks.core.tables import read_table, write_table
from tasks.generation.sampling import draw_samples, parse_samples, requests_of, split_sample_budget
from tasks.inference.replay import ReplaySampler
from tasks.settings.sampling import SamplingSettings
from tests.support.factories import PROBLEM
from tests.support.formats import demo_format

WARM = SamplingSettings(format="smollm-demo", solutions=6, suites=2, low_temperature_share=0.0)
HALF_LOW = WARM.model_copy(update={"low_temperature_share": 0.5, "low_temperature": 0.3})


def drawn(settings: SamplingSettings) -> list[Sample]:
    return draw_samples(ReplaySampler(lambda _: ["x", "y"]), [PROBLEM], settings, 1, demo_format())


@given(st.integers(1, 40), st.floats(0, 1))
def test_a_share_of_the_solutions_is_cool_and_their_number_stays(solutions: int, share: float) -> None:
    settings = WARM.model_copy(update={"solutions": solutions, "low_temperature_share": share})
    counts = {"solver": 0, "verifier": 0}
    low = 0
    for asked in requests_of(PROBLEM, settings, 1, demo_format()):
        counts[asked.role] += asked.request.n
        low += asked.request.n * (asked.request.temperature == settings.low_temperature)
    assert counts == {"solver": solutions, "verifier": WARM.suites}
    assert abs(low - share * solutions) <= 0.5


def test_the_other_samples_are_asked_for_as_without_a_cool_share() -> None:
    before = [asked.request for asked in requests_of(PROBLEM, WARM, 1, demo_format())]
    asked = requests_of(PROBLEM, HALF_LOW, 1, demo_format())
    warm, suites, low = [one.request for one in asked]
    assert (warm.seed, suites) == (before[0].seed, before[1])
    assert low.seed not in (warm.seed, suites.seed)


def test_every_sample_tells_its_temperature_and_its_number(tmp_path: Path) -> None:
    samples = drawn(HALF_LOW)
    solver = [(row.index, row.temperature) for row in samples if row.role == "solver"]
    assert sorted(solver) == [(0, 0.8), (1, 0.8), (2, 0.8), (3, 0.3), (4, 0.3), (5, 0.3)]
    assert len({row.sample_id for row in samples}) == len(samples)
    write_table(tmp_path / "samples.parquet", Sample, samples)
    assert read_table(tmp_path / "samples.parquet", Sample) == samples


@given(st.integers(1, 40), st.integers(0, 9), st.floats(0, 1))
def test_the_reference_model_writes_its_share_of_the_solutions_and_no_suites(
    solutions: int, suites: int, share: float
) -> None:
    settings = WARM.model_copy(update={"solutions": solutions, "suites": suites, "reference_share": share})
    policy, reference = split_sample_budget(settings)
    assert policy.solutions + reference.solutions == solutions
    assert abs(reference.solutions - share * solutions) <= 0.5
    assert (policy.suites, reference.suites) == (suites, 0)


def test_a_reference_model_draws_otherwise_and_is_told_apart() -> None:
    sampler = ReplaySampler(lambda _: ["return a + b\n```"])
    samples = [
        row
        for of_reference in (False, True)
        for row in draw_samples(sampler, [PROBLEM], WARM, 1, demo_format(), of_reference=of_reference)
    ]
    assert len({row.sample_id for row in samples}) == len(samples)
    assert not {row.seed for row in samples if row.of_reference} & {
        row.seed for row in samples if not row.of_reference
    }
    solutions, *_ = parse_samples([PROBLEM], samples, WARM)
    assert [one.of_reference for one in solutions] == [False] * WARM.solutions + [True] * WARM.solutions
