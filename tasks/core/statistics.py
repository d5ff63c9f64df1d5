"""Intervals: of shares that were counted (Wilson 1927), and of means over problems (bootstrap, Efron 1979).

A model's own shares have the Bayesian bootstrap (Rubin 1981) with half a problem of either extreme added, as
Jeffreys's prior does for a proportion: of few problems, or a share near 0, the plain one covers too little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# A bootstrap over fewer problems says nothing: of one it is a point.
LEAST_PROBLEMS = 5


def wilson(successes: int, total: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share; (0, 1) when nothing was counted."""
    if not total:
        return 0.0, 1.0
    # Its import takes most of a second, which commands without a report need not wait.
    from scipy.stats import binomtest

    interval = binomtest(successes, total).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval over `problems` problems (groups of rows, where there are)."""

    mean: float
    low: float
    high: float
    problems: int


Scores = Mapping[str, Mapping[str, Interval]]
"""Of each "benchmark/split" each metric's interval, as `tasks.evaluation.metrics` names them."""


@dataclass(frozen=True)
class Share:
    """`right` of `total` that were counted on so many `problems`, the share of them and its 95 % Wilson
    interval."""

    right: int
    total: int
    problems: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, right: int, total: int, problems: int) -> Share:
        """The share with its interval; 0 with the interval (0, 1) when nothing was counted."""
        return cls(right, total, problems, right / total if total else 0.0, *wilson(right, total))


def bounds(low: float, high: float, problems: float, pattern: str = "{:.3f}") -> str:
    """`[0.120, 0.340]`; "" where so few problems were counted that the interval would say nothing."""
    return f"[{pattern.format(low)}, {pattern.format(high)}]" if problems >= LEAST_PROBLEMS else ""


def share_bounds(share: Share, pattern: str = "[{}, {}]") -> str:
    """Wilson's interval of a share in per cent; "" as in `bounds`, and where nothing was counted."""
    if not share.total or share.problems < LEAST_PROBLEMS:
        return ""
    return pattern.format(f"{share.low:.0%}", f"{share.high:.0%}")


def with_bounds(interval: Interval) -> tuple[float, float, float]:
    """Mean, low and high of a metric for a chart; of too few problems all three are the mean."""
    if interval.problems < LEAST_PROBLEMS:
        return (interval.mean,) * 3
    return interval.mean, interval.low, interval.high


def bootstrap(
    values: Sequence[float],
    resamples: int,
    seed: int,
    groups: Sequence[str] | None = None,
    shares: bool = False,
) -> Interval:
    """Mean of the values, percentile interval over resampled problems.

    `groups` says which problem each value belongs to; without it each is one of its own. `shares`: the
    values are shares, 0 to 1, whose mean may be near an end.
    """
    if not len(values):
        return Interval(0.0, 0.0, 0.0, 0)
    data = np.asarray(values, dtype=float)
    names = range(len(data)) if groups is None else groups
    index = {name: number for number, name in enumerate(dict.fromkeys(names))}
    of = [index[name] for name in names]
    sums, sizes = np.bincount(of, weights=data), np.bincount(of)
    rng = np.random.default_rng(seed)
    if shares:
        weights = rng.exponential(1.0, (resamples, len(sums)))
        ends = rng.gamma(0.5, 1.0, (resamples, 2)) * sizes.mean()
        means = (weights @ sums + ends[:, 1]) / (weights @ sizes + ends.sum(axis=1))
    else:
        drawn = rng.integers(0, len(sums), (resamples, len(sums)))
        means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    mean, low, high = (_exact(value) for value in (data.mean(), *np.quantile(means, [0.025, 0.975])))
    return Interval(mean, low, high, len(sums))


def _exact(value: float) -> float:
    """Without what sums of fractions leave behind: changes that add up to nothing are no gain of 6e-18."""
    return round(float(value), 12) + 0.0
