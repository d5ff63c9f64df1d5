"""Numbers from counts: pass@k, metrics over scored problems, bootstrap and paired intervals.

pass@k is the unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, eq. 1). Intervals are 95 %: bootstrap
over problems (the problems are the sample, not the completions), paired by problem between two models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np

from tasks.records import ProblemScore
from tasks.settings import EvaluationSettings

Metric = Callable[[ProblemScore], float | None]
HEADLINE = "tests headline"


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Probability that at least one of k solutions drawn from n (of which `correct` are right) is right."""
    if n - correct < k:
        return 1.0
    return 1.0 - comb(n - correct, k) / comb(n, k)


def wilson(successes: int, total: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share; (0, 1) when nothing was counted."""
    if not total:
        return 0.0, 1.0
    z, p = 1.96, successes / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def metrics(k_values: Sequence[int]) -> dict[str, Metric]:
    """Metric name -> a problem's value (None: the problem has none). Each is averaged over problems."""

    def share(part: str, whole: str) -> Metric:
        return lambda row: getattr(row, part) / getattr(row, whole) if getattr(row, whole) else 0.0

    def at_k(k: int) -> Metric:
        return lambda row: pass_at_k(row.solutions, row.solutions_correct, k) if row.solutions >= k else None

    return {
        **{f"pass@{k}": at_k(k) for k in k_values},
        "tests headline": lambda row: (
            row.suites_headline / row.suites if row.has_negatives and row.suites else None
        ),
        "case accuracy": share("cases_correct", "cases"),
        "distinct case accuracy": share("cases_distinct_correct", "cases_distinct"),
        "sound suites": share("suites_sound", "suites"),
        "distinct solutions": lambda row: float(row.solutions_distinct),
    }


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval over `problems` problems."""

    mean: float
    low: float
    high: float
    problems: int


def bootstrap(values: Sequence[float], resamples: int, seed: int) -> Interval:
    """Mean of per-problem values, percentile interval over resampled problems."""
    if not len(values):
        return Interval(0.0, 0.0, 0.0, 0)
    data = np.asarray(values, dtype=float)
    rng = np.random.default_rng(seed)
    means = data[rng.integers(0, len(data), (resamples, len(data)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(data.mean()), float(low), float(high), len(data))


def summarise(
    rows: Sequence[ProblemScore], settings: EvaluationSettings, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """`{"benchmark/split": {metric: Interval}}`."""
    table: dict[str, dict[str, Interval]] = {}
    for name in dict.fromkeys(f"{row.benchmark}/{row.split}" for row in rows):
        part = [row for row in rows if f"{row.benchmark}/{row.split}" == name]
        table[name] = {}
        for metric, of in metrics(settings.k).items():
            values = [value for row in part if (value := of(row)) is not None]
            if values:
                table[name][metric] = bootstrap(values, settings.bootstrap, seed)
    return table


def compare(
    before: Sequence[ProblemScore],
    after: Sequence[ProblemScore],
    settings: EvaluationSettings,
    seed: int = 0,
) -> dict[str, dict[str, Interval]]:
    """Paired differences (after - before) by problem: `{"benchmark/split": {metric: Interval}}`."""
    old = {row.problem_id: row for row in before}
    table: dict[str, dict[str, Interval]] = {}
    for name in dict.fromkeys(f"{row.benchmark}/{row.split}" for row in after):
        part = [row for row in after if f"{row.benchmark}/{row.split}" == name and row.problem_id in old]
        table[name] = {}
        for metric, of in metrics(settings.k).items():
            pairs = [(of(old[row.problem_id]), of(row)) for row in part]
            differences = [new - prior for prior, new in pairs if prior is not None and new is not None]
            if differences:
                table[name][metric] = bootstrap(differences, settings.bootstrap, seed)
    return table
