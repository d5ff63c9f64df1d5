"""Numbers from counts: pass@k, metrics over scored problems, bootstrap and paired intervals.

pass@k is the unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, eq. 1). Intervals are 95 %: bootstrap
over problems (the problems are the sample, not the completions; Efron 1979), paired by problem between two
models. A model's own shares have the Bayesian bootstrap (Rubin 1981) with half a problem of either extreme
added, as Jeffreys's prior does for a proportion: of few problems, or a share near 0, the plain one covers too
little (`tests/evaluation/test_metrics.py`). Counts of decisions have Wilson's interval (1927).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb

from tasks.core.rows import ProblemScore
from tasks.core.statistics import Interval, bootstrap, bounds
from tasks.settings.evaluation import EvaluationSettings, MetricSettings

Metric = Callable[[ProblemScore], float | None]
Counts = Callable[[ProblemScore], tuple[int, int]]
STRONG_SUITE_RATE = "strong-suite rate"
# The metrics that are no share of anything.
COUNTS = ("distinct solutions",)
# These may be negative.
GAINS = ("best-of-n gain",)

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


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def strong_suite_rate(row: ProblemScore) -> float | None:
    """Share of sampled suites that accept gold AND reject at least 80 % of the problem's negatives.

    A suite that cannot be parsed counts 0. A problem without gold or negatives has no such figure.
    """
    return _share(row.suites_strong, row.suites) if row.has_gold and row.negatives else None


def case_accuracy(row: ProblemScore) -> float | None:
    """Share of all cases that are true of gold; a model that writes none has 0."""
    return (_share(row.cases_correct, row.cases) or 0.0) if row.has_gold else None


def distinct_case_accuracy(row: ProblemScore) -> float | None:
    """The same, each (call, expected) counted once a problem: repeating an easy assert gains nothing."""
    return (_share(row.cases_distinct_correct, row.cases_distinct) or 0.0) if row.has_gold else None


def non_boolean_case_accuracy(row: ProblemScore) -> float | None:
    """Accuracy of the distinct cases that expect something else than True or False: guessing gains little.

    A problem for which no such case was written has no figure.
    """
    return _share(row.cases_non_boolean_correct, row.cases_non_boolean) if row.has_gold else None


def sound_suites(row: ProblemScore) -> float | None:
    """Share of sampled suites that accept gold; one that cannot be parsed does not."""
    return (_share(row.suites_sound, row.suites) or 0.0) if row.has_gold else None


def suite_soundness(row: ProblemScore) -> float | None:
    """Share of parsed suites that accept gold: to be read beside the false acceptance rate."""
    return _share(row.suites_sound, row.suites_parsed) if row.has_gold and row.negatives else None


def false_acceptance_rate(row: ProblemScore) -> float | None:
    """Share of (parsed suite, negative) pairs where the suite accepts the wrong solution: lower is better.

    A suite that rejects everything has none, so the figure means nothing without the suite soundness.
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
        STRONG_SUITE_RATE: strong_suite_rate,
        "case accuracy": case_accuracy,
        "distinct case accuracy": distinct_case_accuracy,
        "non-boolean case accuracy": non_boolean_case_accuracy,
        "sound suites": sound_suites,
        "suite soundness": suite_soundness,
        "false acceptance rate": false_acceptance_rate,
        "mutation score": mutation_score,
        "distinct solutions": distinct_solutions,
    }


def shown(metric: str, interval: Interval, problems: int = 0, signed: bool = False) -> str:
    """A metric as text: a share in per cent, a count as a number, with its interval.

    With the number of problems where that is not `problems` (0: nobody asks), and no interval for fewer than
    `LEAST_PROBLEMS`.
    """
    pattern = ("{:+.2f}" if signed else "{:.2f}") if metric in COUNTS else "{:+.1%}" if signed else "{:.1%}"
    if signed and not (interval.mean or interval.low or interval.high):
        return "no change"
    mean, over = pattern.format(interval.mean), interval.problems
    text = f"{mean} {bounds(interval.low, interval.high, over, pattern)}".rstrip()
    few = problems and over != problems
    return f"{text} ({over} problem{'s' * (over != 1)})" if few else text


def _group(row: ProblemScore) -> str:
    return row.group or row.problem_id


def summarise(
    rows: Sequence[ProblemScore], settings: EvaluationSettings | MetricSettings, seed: int = 0
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
    settings: EvaluationSettings | MetricSettings,
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
