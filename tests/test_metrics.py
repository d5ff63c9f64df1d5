from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.metrics import bootstrap, compare, pass_at_k, wilson
from tasks.promotion import gate
from tasks.records import ProblemScore
from tasks.settings import EvaluationSettings, GateSettings


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
        interval = bootstrap(rng.binomial(4, 0.3, 60) / 4, 400, trial)
        hits += interval.low <= 0.3 <= interval.high
    assert 0.90 <= hits / 300 <= 0.98


@given(st.integers(0, 50), st.integers(0, 50))
def test_wilson_contains_the_share_and_stays_in_bounds(successes: int, failures: int) -> None:
    low, high = wilson(successes, successes + failures)
    assert 0 <= low <= high <= 1
    if successes + failures:
        assert low <= successes / (successes + failures) + 1e-9
        assert high >= successes / (successes + failures) - 1e-9


def scored(problem: int, split: str, correct: int, headline: int) -> ProblemScore:
    return ProblemScore(
        f"{split}/{problem}", "starter", split, 4, correct, 3, 2, 2, headline, headline, 8, 4, 8, 4, True
    )


def rows(split: str, correct: int, headline: int, count: int = 30) -> list[ProblemScore]:
    return [scored(i, split, max(0, min(4, correct + i % 2)), headline) for i in range(count)]


SETTINGS = EvaluationSettings(k=[1])


def decision(before: list[ProblemScore], after: list[ProblemScore]) -> str:
    return gate(compare(before, after, SETTINGS), GateSettings())[0]


def test_the_gate_promotes_holds_and_rolls_back() -> None:
    assert decision(rows("dev", 1, 1), rows("dev", 2, 1)) == "promote"
    assert decision(rows("dev", 1, 1), rows("dev", 1, 1)) == "hold"
    assert decision(rows("dev", 2, 1), rows("dev", 0, 1)) == "roll back"
    assert decision(rows("dev", 1, 2), rows("dev", 2, 0)) == "hold"
    assert decision([], []) == "hold"


def test_the_gate_never_reads_test() -> None:
    gain, loss = rows("dev", 2, 1), rows("test", 0, 0)
    assert decision(rows("dev", 1, 1) + rows("test", 3, 2), gain + loss) == "promote"
    assert decision(rows("test", 0, 0), rows("test", 4, 2)) == "hold"


def test_pairs_are_by_problem_not_by_position() -> None:
    before, after = rows("dev", 1, 1), rows("dev", 2, 1)
    assert compare(before, after[::-1], SETTINGS) == compare(before[::-1], after[::-1], SETTINGS)
