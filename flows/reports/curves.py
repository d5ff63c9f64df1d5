"""The curves of a campaign: one panel a question, over iterations, drawn from the campaign's report alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from flows.reports.campaign_report import CampaignEntry, CampaignReport
from tasks.core.plugins import installed
from tasks.core.statistics import Share, share_bounds, with_bounds
from tasks.evaluation.metrics import STRONG_SUITE_RATE
from tasks.pipeline.plots import Panel, Point, png_of

OUTPUT = "output pass@1"
SOLVER, VERIFIER = ("pass@1", "pass@1 base", "pass@1 base+plus"), (STRONG_SUITE_RATE, "case accuracy", OUTPUT)
AUDITED = ("kept problems right", "chosen solutions", "rejected solutions", "kept cases")

GROUP = "flywheel.curves"
BEFORE = "iteration (0: before)"


@dataclass(frozen=True)
class Curve:
    """A panel of a campaign's chart, listed below or registered by an entry point of the group
    `flywheel.curves`. `panel` reads the report; a panel whose series have no points is left out."""

    name: str
    panel: Callable[[CampaignReport], Panel]


def curves(report: CampaignReport) -> bytes:
    """The campaign as a PNG, one panel a curve; b"" where no panel has a point."""
    return png_of([curve.panel(report) for curve in all_curves()])


def _scores(
    iterations: Sequence[CampaignEntry], metrics: Sequence[str]
) -> Iterator[tuple[str, Sequence[Point]]]:
    """A series a metric and benchmark: the model before the first iteration, then each iteration's
    candidate."""
    first = iterations[0]
    scored = [(first.iteration - 1, first.before), *((entry.iteration, entry.after) for entry in iterations)]
    for name in first.before:
        benchmark, _, split = name.partition("/")
        for metric in metrics:
            points = [
                _point(x, *with_bounds(scores[name][metric]))
                for x, scores in scored
                if metric in scores.get(name, {})
            ]
            yield f"{metric}, {benchmark} ({split})", points


def _point(x: int, *shares: float) -> Point:
    """A share with its interval, in per cent."""
    y, low, high = (100 * share for share in shares)
    return x, y, low, high


def _yields(iterations: Sequence[CampaignEntry]) -> Iterator[tuple[str, Sequence[Point]]]:
    counts = {
        "problems kept": [entry.kept for entry in iterations],
        "SFT rows": [sum(entry.sft.values()) for entry in iterations],
        "pairs": [sum(entry.pairs.values()) for entry in iterations],
    }
    for label, row in counts.items():
        yield label, [(entry.iteration, n, n, n) for entry, n in zip(iterations, row, strict=True)]


def _audits(iterations: Sequence[CampaignEntry]) -> Iterator[tuple[str, Sequence[Point]]]:
    def point(x: int, share: Share) -> Point:
        ends = (share.low, share.high) if share_bounds(share) else (share.share, share.share)
        return _point(x, share.share, *ends)

    for name in AUDITED:
        rows = [(entry.iteration, entry.audit.get(name)) for entry in iterations]
        yield name, [point(x, share) for x, share in rows if share is not None and share.total]


BUILT_IN = (
    Curve("solver", lambda report: Panel("Solver", BEFORE, "%", dict(_scores(report.iterations, SOLVER)))),
    Curve(
        "verifier", lambda report: Panel("Verifier", BEFORE, "%", dict(_scores(report.iterations, VERIFIER)))
    ),
    Curve("yield", lambda report: Panel("Yield", "iteration", "count", dict(_yields(report.iterations)))),
    Curve(
        "audit",
        lambda report: Panel("Audit of the filter", "iteration", "% right", dict(_audits(report.iterations))),
    ),
)


@cache
def all_curves() -> list[Curve]:
    """All curves, those of packages last. Raises `FlywheelError` when a package's is none."""
    return installed(GROUP, Curve, BUILT_IN)
