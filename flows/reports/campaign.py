"""The report of a campaign: one table, and the learning curves of both roles with yield and audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.core.statistics import share_bounds, with_bounds
from tasks.evaluation.metrics import STRONG_SUITE_RATE, shown
from tasks.generation.diversity import written
from tasks.pipeline import artifacts
from tasks.pipeline.plots import Panel, Point, markdown_image, png_of
from tasks.pipeline.workspace import Workspace, write_json

OUTPUT = "output pass@1"
SOLVER, VERIFIER = ("pass@1", "pass@1 base", "pass@1 base+plus"), (STRONG_SUITE_RATE, "case accuracy", OUTPUT)
_ENDS = ("share", "low", "high")
AUDITED = ("kept problems right", "chosen solutions", "rejected solutions", "kept cases")


def entry_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a campaign keeps of one iteration's report."""
    stages = report["stages"]
    before = stages["score-before"]
    return {
        "iteration": report["iteration"],
        "decision": report["decision"],
        "reason": report["reason"],
        "flow_run_id": report["flow_run_id"],
        "from_base": report["champion"]["digest"] == report["base_digest"],
        "candidate": report["candidate"],
        "before": before["scores"],
        "after": stages.get("score-after", {}).get("scores", {}),
        "differences": report["differences"],
        "audit": before["audit"],
        "problems": stages["agree"]["problems"],
        "new_problems": stages["propose"]["new"],
        "kept": stages["agree"]["kept"],
        "sft": stages["prefer"]["sft"],
        "pairs": stages["prefer"]["pairs"],
        "diversity": stages.get("sample-after", stages["sample-before"]).get("diversity", {}),
    }


def campaign_report(workspace: Workspace, reports: Sequence[Mapping[str, Any]], why: str) -> dict[str, Any]:
    """All iterations, oldest first, and why there are no more. `reports` is never empty."""
    last = reports[-1]
    champion = (
        {"origin": "base model", "digest": last["base_digest"]}
        if last["back_to_base"]
        else last["candidate"]
        if last["decision"] == "promote"
        else last["champion"]
    )
    return {
        "workspace": str(workspace.root),
        "folder": str(workspace.root / "campaigns" / f"{reports[0]['iteration']:04d}"),
        "iterations": [entry_of(report) for report in reports],
        "stopped": why,
        "champion": champion,
    }


def campaign_markdown(report: Mapping[str, Any]) -> str:
    """One row an iteration, the metrics of both roles on dev and test, and the audit of each iteration's
    filter."""
    iterations = report["iterations"]
    scored = iterations[0]["before"]
    columns = [
        (metric, name)
        for metric in (*SOLVER, STRONG_SUITE_RATE, OUTPUT)
        for name in scored
        if metric in scored[name]
    ]
    head = ["iteration", "decision", *(f"{metric}, {name}" for metric, name in columns)]
    promoted = sum(entry["decision"] == "promote" for entry in iterations)
    lines = [
        f"# Campaign of {len(iterations)} iterations: {promoted} promoted",
        "",
        f"Stopped because {report['stopped']}. Champion: {report['champion']['origin']}.",
        "",
        "## Scores of each iteration's candidate (dev decides, test is only reported)",
        "",
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
    ]
    first = iterations[0]
    start = "base" if first["from_base"] else "champion"
    lines.append(_row([start, "-", *(_cell(first["before"], *column) for column in columns)]))
    lines += [
        _row([entry["iteration"], entry["decision"], *(_cell(entry["after"], *column) for column in columns)])
        for entry in iterations
    ]
    titles = [f"{name.removesuffix(' right')} right" for name in AUDITED]
    lines += [
        "",
        "## Yield, and the filter on labelled problems",
        "",
        f"| iteration | problems (new) | kept | SFT rows | pairs | {' | '.join(titles)} |",
        "|" + "---|" * (5 + len(AUDITED)),
    ]
    for entry in iterations:
        audit = [_share(entry["audit"].get(name)) for name in AUDITED]
        counts = [_roles(entry["sft"]), _roles(entry["pairs"])]
        problems = f"{entry['problems']} ({entry['new_problems']})"
        lines.append(_row([entry["iteration"], problems, entry["kept"], *counts, *audit]))
    lines += ["", "## Diversity of each candidate's answers to the benchmarks", ""]
    shares = list(dict.fromkeys(name for entry in iterations for name in entry["diversity"]))
    lines += [_row(["iteration", *shares]), "|" + "---|" * (1 + len(shares))]
    for entry in iterations:
        lines.append(_row([entry["iteration"], *(written(entry["diversity"], name) for name in shares)]))
    lines += ["", *(f"- iteration {entry['iteration']}: {entry['reason']}" for entry in iterations)]
    return "\n".join(lines)


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _cell(scores: Mapping[str, Any], metric: str, name: str) -> str:
    values = scores.get(name, {}).get(metric)
    return shown(metric, values) if values else "-"


def _share(row: Mapping[str, float] | None) -> str:
    if not row or not row["total"]:
        return "-"
    return f"{row['right']} of {row['total']} {share_bounds(row)}".rstrip()


def _roles(counts: Mapping[str, int]) -> str:
    return f"{counts.get('solver', 0)} + {counts.get('verifier', 0)}"


def curves(report: Mapping[str, Any]) -> bytes:
    """The campaign as a PNG: solver, verifier, yield, audit over iterations."""
    return png_of(
        [
            Panel("Solver", "iteration (0: before)", "%", dict(_scores(report["iterations"], SOLVER))),
            Panel("Verifier", "iteration (0: before)", "%", dict(_scores(report["iterations"], VERIFIER))),
            Panel("Yield", "iteration", "count", dict(_yields(report["iterations"]))),
            Panel("Audit of the filter", "iteration", "% right", dict(_audits(report["iterations"]))),
        ]
    )


def _scores(
    iterations: Sequence[Mapping[str, Any]], metrics: Sequence[str]
) -> Iterator[tuple[str, Sequence[Point]]]:
    """A series a metric and benchmark: the model before the first iteration, then each iteration's
    candidate."""
    first = iterations[0]["iteration"] - 1
    for name in iterations[0]["before"]:
        benchmark, _, split = name.partition("/")
        for metric in metrics:
            scored = [
                (first, iterations[0]["before"]),
                *((entry["iteration"], entry["after"]) for entry in iterations),
            ]
            yield (
                f"{metric}, {benchmark} ({split})",
                [
                    (x, *(100 * value for value in with_bounds(scores[name][metric])))
                    for x, scores in scored
                    if metric in scores.get(name, {})
                ],
            )


def _yields(iterations: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Point]]]:
    counts = {
        "problems kept": [entry["kept"] for entry in iterations],
        "SFT rows": [sum(entry["sft"].values()) for entry in iterations],
        "pairs": [sum(entry["pairs"].values()) for entry in iterations],
    }
    for label, row in counts.items():
        yield label, [(entry["iteration"], n, n, n) for entry, n in zip(iterations, row, strict=True)]


def _audits(iterations: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Point]]]:
    for name in AUDITED:
        rows = [(entry["iteration"], entry["audit"].get(name)) for entry in iterations]
        yield (
            name,
            [
                (x, *(100 * row[part] for part in (_ENDS if share_bounds(row) else ("share",) * 3)))
                for x, row in rows
                if row and row["total"]
            ],
        )


def publish_campaign(workspace: Workspace, report: Mapping[str, Any]) -> None:
    """Write report and curves into the workspace, and attach both to the flow run."""
    folder = Path(report["folder"])
    write_json(folder / "report.json", report)
    text, png = campaign_markdown(report), curves(report)
    shown = artifacts.with_chart(text, "![learning curves](curves.png)")
    (folder / "report.md").write_text(shown + "\n", encoding="utf-8")
    (folder / "curves.png").write_bytes(png)
    artifacts.publish_report(text, markdown_image(png, "learning curves"), "campaign-report")
