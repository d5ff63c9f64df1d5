from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flows.reports.iteration import beyond_noise
from tasks.core.rows import ProblemScore
from tasks.core.statistics import LEAST_PROBLEMS, Interval, bootstrap, wilson
from tasks.evaluation.gate import gate
from tasks.evaluation.metrics import compare, metrics, pass_at_k
from tasks.settings.evaluation import EvaluationSettings
from tasks.settings.gate import GateSettings


@given(st.integers(1, 9), st.data())
def test_pass_at_k_matches_brute_force(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    k = data.draw(st.integers(1, n))
    draws = list(combinations([True] * correct + [False] * (n - correct), k))
    assert pass_at_k(n, correct, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_bootstrap_covers_the_truth_about_95_percent_of_the_time() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for trial in range(300):
        interval = bootstrap(list(rng.binomial(4, 0.3, 60) / 4), 400, trial)
        hits += interval.low <= 0.3 <= interval.high
    assert 0.90 <= hits / 300 <= 0.98


@pytest.mark.parametrize(
    ("problems", "samples", "truth", "spread"),
    [(20, 4, 0.0125, 100), (20, 4, 0.05, 0.3), (45, 5, 0.02, 0.3), (45, 10, 0.2, 0.3), (90, 4, 0.5, 0.3)],
)
def test_intervals_of_shares_cover_the_truth_also_near_an_end(
    problems: int, samples: int, truth: float, spread: float
) -> None:
    """`spread`: how alike problems are; 0.3 makes most of them hard or easy, 100 makes them equal."""
    rng = np.random.default_rng(4)
    hits = 0
    for trial in range(400):
        ease = rng.beta(spread * truth, spread * (1 - truth), problems)
        interval = bootstrap(list(rng.binomial(samples, ease) / samples), 400, trial, shares=True)
        hits += interval.low <= truth <= interval.high
    assert 0.91 <= hits / 400 <= 0.99


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.data())
def test_an_interval_of_shares_is_never_empty_and_stays_in_bounds(
    right: list[int], data: st.DataObject
) -> None:
    groups = data.draw(st.lists(st.sampled_from("abc"), min_size=len(right), max_size=len(right)))
    interval = bootstrap([count / 3 for count in right], 500, 0, groups, shares=True)
    assert 0 <= interval.low < interval.high <= 1


@given(st.integers(0, 50), st.integers(0, 50))
def test_wilson_contains_the_share_and_stays_in_bounds(successes: int, failures: int) -> None:
    low, high = wilson(successes, successes + failures)
    assert 0 <= low <= high <= 1
    if successes + failures:
        assert low <= successes / (successes + failures) + 1e-9
        assert high >= successes / (successes + failures) - 1e-9


def scored(problem: int, split: str, correct: int, strong: int) -> ProblemScore:
    return ProblemScore(
        f"{split}/{problem}",
        "starter",
        split,
        4,
        correct,
        3,
        2,
        2,
        strong,
        strong,
        8,
        4,
        8,
        4,
        negatives=5,
    )


def rows(split: str, correct: int, strong: int, count: int = 30) -> list[ProblemScore]:
    return [scored(i, split, max(0, min(4, correct + i % 2)), strong) for i in range(count)]


SETTINGS = EvaluationSettings(k=[1])


def decision(before: list[ProblemScore], after: list[ProblemScore]) -> str:
    return gate(compare(before, after, SETTINGS), GateSettings())[0]


def test_the_gate_promotes_holds_and_rolls_back() -> None:
    assert decision(rows("dev", 1, 1), rows("dev", 2, 1)) == "promote"
    assert decision(rows("dev", 1, 1), rows("dev", 1, 1)) == "hold"
    assert decision(rows("dev", 2, 1), rows("dev", 0, 1)) == "roll back"
    assert decision(rows("dev", 1, 2), rows("dev", 2, 0)) == "hold"
    assert decision([], []) == "hold"
    few = 4
    assert decision(rows("dev", 2, 1, few), rows("dev", 0, 1, few)) == "hold"


@given(st.lists(st.integers(-5, 5), min_size=5, max_size=40))
def test_gains_and_losses_that_add_up_to_nothing_are_no_gain(changes: list[int]) -> None:
    # Tenths are no binary fractions: their sum misses 0 by some 1e-17, to either side.
    balanced = [change / 10 for change in [*changes, *(-change for change in changes)]]
    found = bootstrap(balanced, 200, 0)
    assert found.mean == 0.0
    differences = {"starter/dev": {"pass@1": found}}
    assert gate(differences, GateSettings())[0] in ("hold", "roll back")


def test_no_tolerance_lets_through_what_did_not_change_at_all() -> None:
    differences = compare(rows("dev", 1, 1), rows("dev", 2, 1), SETTINGS)
    assert gate(differences, GateSettings(tolerance=0))[0] == "promote"


def test_one_problem_is_never_beyond_noise() -> None:
    few = {"starter/dev": {"mutation score": Interval(0.2, 0.2, 0.2, 1)}}
    assert beyond_noise(few).startswith("No score changed")
    many = {"starter/dev": {"mutation score": Interval(0.2, 0.1, 0.3, LEAST_PROBLEMS)}}
    assert "mutation score on starter/dev (up)" in beyond_noise(many)


@pytest.mark.parametrize("k", [[4], [-1, 1], []])
def test_pass_at_1_is_always_scored(k: list[int]) -> None:
    with pytest.raises(ValidationError):
        EvaluationSettings(k=k)


def test_the_gate_never_reads_test() -> None:
    gain, loss = rows("dev", 2, 1), rows("test", 0, 0)
    assert decision(rows("dev", 1, 1) + rows("test", 3, 2), gain + loss) == "promote"
    assert decision(rows("test", 0, 0), rows("test", 4, 2)) == "hold"


def test_pairs_are_by_problem_not_by_position() -> None:
    before, after = rows("dev", 1, 1), rows("dev", 2, 1)
    assert compare(before, after[::-1], SETTINGS) == compare(before[::-1], after[::-1], SETTINGS)


ROW = ProblemScore(
    "p", "starter", "dev", solutions=4, solutions_correct=1, solutions_distinct=3, suites=5, suites_parsed=4,
    suites_sound=2, suites_strong=1, cases=10, cases_correct=5, cases_distinct=8, cases_distinct_correct=2,
    negatives=20, best_of_n=0.5, cases_non_boolean=5, cases_non_boolean_correct=1, rejections=80, rejected=60,
    mutant_trials=20, mutants_killed=15,
)  # fmt: skip


def figures_of(row: ProblemScore, k: list[int]) -> dict[str, float]:
    return {name: value for name, of in metrics(k).items() if (value := of(row)) is not None}


def test_base_and_plus_tests_give_two_rates_in_place_of_one() -> None:
    rates = {
        name: value
        for name, value in figures_of(
            replace(ROW, has_base=True, solutions_correct_base=3), [1, 2, 8]
        ).items()
        if name.startswith("pass@")
    }
    assert rates == {
        "pass@1 base": 3 / 4,
        "pass@2 base": 1,
        "pass@1 base+plus": 1 / 4,
        "pass@2 base+plus": 1 / 2,
    }


def test_metrics_of_a_hand_computed_row() -> None:
    assert figures_of(ROW, [1, 2]) == {
        "pass@1": 1 / 4,
        "pass@2": 1 / 2,
        "best of n by own tests": 1 / 2,
        "best-of-n gain": 1 / 4,
        "strong-suite rate": 1 / 5,
        "case accuracy": 5 / 10,
        "distinct case accuracy": 2 / 8,
        "non-boolean case accuracy": 1 / 5,
        "sound suites": 2 / 5,
        "suite soundness": 2 / 4,
        "false acceptance rate": 20 / 80,
        "mutation score": 15 / 20,
        "distinct solutions": 3.0,
    }


def test_a_problem_without_gold_or_pool_has_no_figures_for_tests() -> None:
    bare = ProblemScore("p", "b", "test", 4, 1, 3, 5, 4, 0, 0, 10, 0, 8, 0, has_gold=False, best_of_n=0.25)
    figures = {name: of(bare) for name, of in metrics([1]).items()}
    assert {name for name, value in figures.items() if value is not None} == {
        "pass@1", "best of n by own tests", "best-of-n gain", "distinct solutions"
    }  # fmt: skip
    silent = ProblemScore("p", "b", "test", 4, 0, 3, 5, 0, 0, 0, 0, 0, 0, 0, negatives=20)
    assert (metrics([])["case accuracy"](silent), metrics([])["sound suites"](silent)) == (0, 0)


def test_paired_intervals_cover_the_truth_about_95_percent_of_the_time() -> None:
    """Two models on the same problems, of very different difficulty: the truth is a gain of 0.1."""
    rng = np.random.default_rng(8)
    hits = 0
    for trial in range(300):
        ease = rng.uniform(0.1, 0.8, 50)
        old, new = rng.binomial(4, ease), rng.binomial(4, ease + 0.1)
        before = [scored(i, "dev", int(n), 1) for i, n in enumerate(old)]
        after = [scored(i, "dev", int(n), 1) for i, n in enumerate(new)]
        table = compare(before, after, EvaluationSettings(k=[1], bootstrap=400), trial)
        hits += table["starter/dev"]["pass@1"].low <= 0.1 <= table["starter/dev"]["pass@1"].high
    assert 0.90 <= hits / 300 <= 0.98
