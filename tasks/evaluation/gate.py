"""The gate: does the candidate become the champion? It reads dev, never test.

promote    the primary metric's paired mean gain is above 0 and the other role loses no more than tolerated
roll back  the primary metric is worse beyond noise (its whole interval is below 0)
hold       anything else: too little evidence either way, or fewer than `LEAST_PROBLEMS` problems

Every gate compares the same draws on the same problems, so a chain of promotions can climb on their noise
and lose a tolerated bit of the other role at each. Therefore every few promotions the candidate must also
pass the gate against the base model, both sampled afresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from tasks.core.records import Role
from tasks.core.rows import ProblemScore
from tasks.core.statistics import LEAST_PROBLEMS, Interval, bounds
from tasks.evaluation.metrics import STRONG_SUITE_RATE, compare
from tasks.pipeline.finished import GateDecision, finished
from tasks.pipeline.stage import stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import ModelRef, Ref, Stage, Workspace
from tasks.settings.evaluation import MetricSettings
from tasks.settings.gate import GateSettings

METRIC_OF: dict[Role, str] = {"solver": "pass@1", "verifier": STRONG_SUITE_RATE}


class GateStatistics(Statistics):
    """The gate's decision, with all that it compared."""

    kind: Literal["promote"] = "promote"
    decision: GateDecision = Field(description="What becomes of the candidate.")
    reason: str = Field(description="Why, in a sentence.")
    differences: dict[str, dict[str, Interval]] = Field(
        description="Candidate less champion, paired by problem: benchmark/split -> metric -> interval."
    )


def gate(differences: dict[str, dict[str, Interval]], settings: GateSettings) -> tuple[GateDecision, str]:
    """(promote | hold | roll back, why), from paired differences of the dev splits alone.

    Several dev benchmarks are averaged by their number of problems; bounds likewise (conservative).
    """
    dev = {name: part for name, part in differences.items() if name.endswith("/dev")}
    primary = _pooled(dev, METRIC_OF[settings.primary])
    other_role: Role = "verifier" if settings.primary == "solver" else "solver"
    other = _pooled(dev, METRIC_OF[other_role])
    if primary is None:
        return "hold", "no dev problem was scored, so nothing can be decided"
    gain = f"{METRIC_OF[settings.primary]} on dev changed by {_text(primary)}"
    if primary.problems < LEAST_PROBLEMS:
        return "hold", f"{gain}: {primary.problems} problems are too few to decide anything"
    if primary.high < 0:
        return "roll back", f"{gain}: worse beyond noise"
    if primary.mean <= 0:
        return "hold", f"{gain}: no gain"
    if other is not None and other.low < -settings.tolerance:
        return "hold", f"{gain}, but {METRIC_OF[other_role]} may have lost: {_text(other)}"
    holds = f"holds: {_text(other)}" if other else "was not measured"
    return "promote", f"{gain}, and {METRIC_OF[other_role]} {holds}"


def hold_unchanged(trained: bool) -> GateStatistics:
    """The gate's word where training left the weights that it started from: hold, and why. `trained`: whether
    any training was not skipped."""
    reason = (
        "no step of training lowered the loss on held-out rows, so the weights are what they were: bring "
        "more rows, or lower the learning rates"
        if trained
        else "agreement kept too little to train on: loosen `agreement`, sample more, or bring easier "
        "problems"
    )
    return GateStatistics(decision="hold", reason=reason, differences={})


def _pooled(dev: dict[str, dict[str, Interval]], metric: str) -> Interval | None:
    parts = [part[metric] for part in dev.values() if metric in part]
    total = sum(part.problems for part in parts)
    if not total:
        return None
    mean, low, high = (
        sum(getattr(part, name) * part.problems for part in parts) / total for name in ("mean", "low", "high")
    )
    return Interval(mean, low, high, total)


def _text(interval: Interval) -> str:
    return (
        f"{interval.mean:+.1%} {bounds(interval.low, interval.high, interval.problems, '{:+.1%}')}".rstrip()
    )


def promotion_history(workspace: Workspace, base: ModelRef, before: int) -> list[ModelRef]:
    """The base and the models promoted one after the other since, before iteration `before`.

    A candidate that lost to the base itself ends the line: the base is champion again.
    """
    line = [base]
    for iteration in (number for number in workspace.iterations() if number < before):
        result = finished(workspace, iteration)
        if result is None or result.base_digest != base.digest:
            continue
        if result.decision == "promote":
            line.append(result.candidate)
        elif result.back_to_base:
            line = [base]
    return line


def champion_of(workspace: Workspace, base: ModelRef, before: int) -> ModelRef:
    """The latest model promoted before iteration `before` from the same base; with none, the base."""
    return promotion_history(workspace, base, before)[-1]


def needs_baseline_check(workspace: Workspace, base: ModelRef, before: int, settings: GateSettings) -> bool:
    """Whether a promotion in iteration `before` has to be confirmed against the base model.

    The first promotion in a line was against the base already.
    """
    promotions = len(promotion_history(workspace, base, before))
    every = settings.baseline_check_every
    return every > 0 and promotions > 1 and promotions % every == 0


def decide(
    before: Sequence[ProblemScore],
    after: Sequence[ProblemScore],
    metrics: MetricSettings,
    settings: GateSettings,
) -> GateStatistics:
    """The decision with its reason and all paired differences (test too, for the report only)."""
    differences = compare(before, after, metrics)
    decision, reason = gate(differences, settings)
    return GateStatistics(decision=decision, reason=reason, differences=differences)


@stage(StageName.PROMOTE, 3)
def promote(stage: Stage, before: Ref, after: Ref, metrics: MetricSettings, settings: GateSettings) -> None:
    """Compare candidate and champion (or base, by label) on the same problems and decide."""
    rows_before, rows_after = (stage.read(scores, ProblemScore) for scores in (before, after))
    stage.statistics = decide(rows_before, rows_after, metrics, settings)
