"""Numbers from counts: pass@k, metrics over scored problems, bootstrap and paired intervals.

pass@k is the unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, eq. 1). Intervals are 95 %: bootstrap
over problems (the problems are the sample, not the completions; Efron 1979), paired by problem between two
models. A model's own shares have the Bayesian bootstrap (Rubin 1981) with half a problem of either extreme
added, as Jeffreys's prior does for a proportion: of few problems, or a share near 0, the plain one covers too
little (`tests/test_metrics.py`). Counts of decisions have Wilson's interval (1927).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np

from tasks.records import ProblemScore
from tasks.settings import EvaluationSettings

Metric = Callable[[ProblemScore], float | None]
Counts = Callable[[ProblemScore], tuple[int, int]]
HEADLINE = "tests headline"
# A strong suite rejects at least so many of its problem's known-wrong solutions.
KILL_SHARE = 0.8
# The metrics that are no share of anything.
COUNTS = ("distinct solutions",)
# These may be negative.
GAINS = ("best-of-n gain",)
# A bootstrap over fewer problems says nothing: of one it is a point.
LEAST_PROBLEMS = 5

RATES: dict[str, Counts] = {
    "pass@{}": lambda row: (0, 0) if row.has_base else (row.solutions, row.solutions_correct),
    "pass@{} base": lambda row: (row.solutions, row.solutions_correct_base) if row.has_base else (0, 0),
    "pass@{} base+plus": lambda row: (row.solutions, row.solutions_correct) if row.has_base else (0, 0),
    "output pass@{}": lambda row: (row.predictions, row.predictions_correct),
}
"""Name with a place for k -> how many samples a problem has, and how many of them are right; (0, 0) where
the rate is not the problem's. Base and plus tests give two rates in place of one, as with evalplus."""


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


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def tests_headline(row: ProblemScore) -> float | None:
    """Share of sampled suites that accept gold AND reject at least 80 % of the problem's negatives.

    A suite that cannot be parsed counts 0. A problem without gold or negatives has no such figure.
    """
    return _share(row.suites_headline, row.suites) if row.has_gold and row.negatives else None


def case_accuracy(row: ProblemScore) -> float | None:
    """Share of all cases that are true of gold; a model that writes none has 0."""
    return (_share(row.cases_correct, row.cases) or 0.0) if row.has_gold else None


def distinct_case_accuracy(row: ProblemScore) -> float | None:
    """The same, each (call, expected) counted once a problem: repeating an easy assert gains nothing."""
    return (_share(row.cases_distinct_correct, row.cases_distinct) or 0.0) if row.has_gold else None


def typed_case_accuracy(row: ProblemScore) -> float | None:
    """Accuracy of the distinct cases that expect something else than True or False: guessing gains little.

    A problem for which no such case was written has no figure.
    """
    return _share(row.cases_typed_correct, row.cases_typed) if row.has_gold else None


def sound_suites(row: ProblemScore) -> float | None:
    """Share of sampled suites that accept gold; one that cannot be parsed does not."""
    return (_share(row.suites_sound, row.suites) or 0.0) if row.has_gold else None


def true_positives(row: ProblemScore) -> float | None:
    """Share of parsed suites that accept gold: to be read beside the false positives."""
    return _share(row.suites_sound, row.suites_parsed) if row.has_gold and row.negatives else None


def false_positives(row: ProblemScore) -> float | None:
    """Share of (parsed suite, negative) pairs where the suite accepts the wrong solution: lower is better.

    A suite that rejects everything has none, so the figure means nothing without the true positives.
    """
    return _share(row.rejections - row.rejected, row.rejections)


def mutation_score(row: ProblemScore) -> float | None:
    """Share of gold's mutants (those that gold's suite tells apart from it) that sound suites kill.

    A mean over pairs of a sound suite and a mutant; a problem without sound suites has no figure.
    """
    return _share(row.mutants_killed, row.mutant_trials)


def best_of_n(row: ProblemScore) -> float | None:
    """Probability that the one of n solutions that passes most of the model's own tests is right.

    Between pass@1 (own tests say nothing) and pass@n (they always point at a right one, if there is any).
    """
    return row.best_of_n if row.solutions else None


def best_of_n_gain(row: ProblemScore) -> float | None:
    """What choosing by its own tests gains a model over choosing blindly: best of n minus pass@1."""
    return row.best_of_n - pass_at_k(row.solutions, row.solutions_correct, 1) if row.solutions else None


def distinct_solutions(row: ProblemScore) -> float | None:
    """Different program texts among the sampled solutions: falling numbers are a collapse."""
    return float(row.solutions_distinct) if row.solutions else None


def metrics(k_values: Sequence[int]) -> dict[str, Metric]:
    """Metric name -> a problem's value (None: the problem has none). Each is averaged over problems."""

    def rate(k: int, of: Counts) -> Metric:
        def metric(row: ProblemScore) -> float | None:
            drawn, right = of(row)
            return pass_at_k(drawn, right, k) if drawn >= k else None

        return metric

    return {
        **{name.format(k): rate(k, of) for name, of in RATES.items() for k in k_values},
        "best of n by own tests": best_of_n,
        "best-of-n gain": best_of_n_gain,
        HEADLINE: tests_headline,
        "case accuracy": case_accuracy,
        "distinct case accuracy": distinct_case_accuracy,
        "non-boolean case accuracy": typed_case_accuracy,
        "sound suites": sound_suites,
        "true positives": true_positives,
        "false positives": false_positives,
        "mutation score": mutation_score,
        "distinct solutions": distinct_solutions,
    }


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval over `problems` problems (groups of rows, where there are)."""

    mean: float
    low: float
    high: float
    problems: int


def as_json(table: Mapping[str, Mapping[str, Interval]]) -> dict[str, dict[str, list[float]]]:
    """Intervals as `[mean, low, high, problems]`."""
    return {
        name: {metric: [i.mean, i.low, i.high, i.problems] for metric, i in part.items()}
        for name, part in table.items()
    }


def shown(metric: str, values: Sequence[float], problems: float = 0, signed: bool = False) -> str:
    """A metric's `[mean, low, high, problems]` as text: a share in per cent, a count as a number.

    With the number of problems where that is not `problems` (0: nobody asks), and no interval for fewer than
    `LEAST_PROBLEMS`.
    """
    pattern = ("{:+.2f}" if signed else "{:.2f}") if metric in COUNTS else "{:+.1%}" if signed else "{:.1%}"
    mean = pattern.format(values[0])
    over = int(values[3])
    if signed and not any(values[:3]):
        return "no change"
    text = f"{mean} {bounds(values[1], values[2], over, pattern)}".rstrip()
    few = problems and over != problems
    return f"{text} ({over} problem{'s' * (over != 1)})" if few else text


def bounds(low: float, high: float, problems: float, pattern: str = "{:.3f}") -> str:
    """`[0.120, 0.340]`; "" where so few problems were counted that the interval would say nothing."""
    return f"[{pattern.format(low)}, {pattern.format(high)}]" if problems >= LEAST_PROBLEMS else ""


def share_bounds(row: Mapping[str, float], pattern: str = "[{}, {}]") -> str:
    """Wilson's interval of a count with its `low` and `high` end, in per cent; "" as in `bounds`.

    `problems` is what it was counted on; tables of earlier versions do not say, and then it is the count.
    """
    if not row["total"] or row.get("problems", row["total"]) < LEAST_PROBLEMS:
        return ""
    return pattern.format(f"{row['low']:.0%}", f"{row['high']:.0%}")


def with_bounds(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, low and high of a metric for a chart; of too few problems all three are the mean."""
    mean, low, high, problems = values[:4]
    return (mean, low, high) if problems >= LEAST_PROBLEMS else (mean, mean, mean)


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
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(data.mean()), float(low), float(high), len(sums))


def _group(row: ProblemScore) -> str:
    return row.group or row.problem_id


def summarise(
    rows: Sequence[ProblemScore], settings: EvaluationSettings, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """`{"benchmark/split": {metric: Interval}}`, of those that have a metric: k may be too large for all."""
    table: dict[str, dict[str, Interval]] = {}
    for name in dict.fromkeys(f"{row.benchmark}/{row.split}" for row in rows):
        part = [row for row in rows if f"{row.benchmark}/{row.split}" == name]
        for metric, of in metrics(settings.k).items():
            found = [(value, _group(row)) for row in part if (value := of(row)) is not None]
            if found:
                values, groups = zip(*found, strict=True)
                shares = metric not in (*COUNTS, *GAINS)
                interval = bootstrap(values, settings.bootstrap, seed, groups, shares)
                table.setdefault(name, {})[metric] = interval
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
            pairs = [(of(old[row.problem_id]), of(row), _group(row)) for row in part]
            found = [
                (new - prior, group) for prior, new, group in pairs if prior is not None and new is not None
            ]
            if found:
                differences, groups = zip(*found, strict=True)
                table[name][metric] = bootstrap(differences, settings.bootstrap, seed, groups)
    return table
