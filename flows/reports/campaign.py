"""The report of a campaign: one table, and the learning curves of both roles with yield and audit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flows.reports.campaign_report import CampaignEntry, CampaignReport
from flows.reports.curves import AUDITED, OUTPUT, SOLVER, curves
from tasks.core.disk import write_json
from tasks.core.markdown import table
from tasks.core.statistics import Scores, Share, share_bounds
from tasks.evaluation.metrics import STRONG_SUITE_RATE, shown
from tasks.generation.diversity import written
from tasks.pipeline import artifacts
from tasks.pipeline.plots import markdown_image


def campaign_markdown(report: CampaignReport) -> str:
    """One row an iteration, the metrics of both roles on dev and test, and the audit of each iteration's
    filter."""
    iterations, first = report.iterations, report.iterations[0]
    columns = [
        (metric, name)
        for metric in (*SOLVER, STRONG_SUITE_RATE, OUTPUT)
        for name in first.before
        if metric in first.before[name]
    ]
    head = ["iteration", "decision", *(f"{metric}, {name}" for metric, name in columns)]
    promoted = sum(entry.decision == "promote" for entry in iterations)
    start = "base" if first.from_base else "champion"
    scored = [(start, "-", first.before)]
    scored += [(str(entry.iteration), entry.decision, entry.after) for entry in iterations]
    lines = [
        f"# Campaign of {len(iterations)} iterations: {promoted} promoted",
        "",
        f"Stopped because {report.stopped}. Champion: {report.champion.origin}.",
        "",
        "## Scores of each iteration's candidate (dev decides, test is only reported)",
        "",
        *table(head, ((*row, *(_cell(scores, *column) for column in columns)) for *row, scores in scored)),
        "",
        "## Yield, and the filter on labelled problems",
        "",
        *table(
            (
                *("iteration", "problems (new)", "kept", "SFT rows", "pairs"),
                *(f"{name.removesuffix(' right')} right" for name in AUDITED),
            ),
            map(_yield, iterations),
        ),
        "",
        "## Diversity of each candidate's answers to the benchmarks",
        "",
    ]
    shares = list(dict.fromkeys(name for entry in iterations for name in entry.diversity))
    varied = ([entry.iteration, *(written(entry.diversity, name) for name in shares)] for entry in iterations)
    lines += [*table(["iteration", *shares], varied), ""]
    lines += [f"- iteration {entry.iteration}: {entry.reason}" for entry in iterations]
    return "\n".join(lines)


def _yield(entry: CampaignEntry) -> list[object]:
    """What an iteration kept, and what the audit says of it."""
    problems = f"{entry.problems} ({entry.new_problems})"
    audit = [_share(entry.audit.get(name)) for name in AUDITED]
    return [entry.iteration, problems, entry.kept, _roles(entry.sft), _roles(entry.pairs), *audit]


def _cell(scores: Scores, metric: str, name: str) -> str:
    interval = scores.get(name, {}).get(metric)
    return shown(metric, interval) if interval else "-"


def _share(share: Share | None) -> str:
    if share is None or not share.total:
        return "-"
    return f"{share.right} of {share.total} {share_bounds(share)}".rstrip()


def _roles(counts: Mapping[str, int]) -> str:
    return f"{counts.get('solver', 0)} + {counts.get('verifier', 0)}"


def publish_campaign(report: CampaignReport) -> None:
    """Write report and curves into the campaign's folder, and attach both to the flow run."""
    folder = Path(report.folder)
    write_json(folder / "report.json", report.model_dump(mode="json"))
    text, png = campaign_markdown(report), curves(report)
    shown = artifacts.with_chart(text, "![learning curves](curves.png)")
    (folder / "report.md").write_text(shown + "\n", encoding="utf-8")
    (folder / "curves.png").write_bytes(png)
    artifacts.publish_report(text, markdown_image(png, "learning curves"), "campaign-report")
