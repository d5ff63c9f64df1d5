"""The report of a campaign: one table, and the learning curves of both roles with yield and audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.core.statistics import share_bounds, with_bounds
from tasks.evaluation.metrics import HEADLINE, shown
from tasks.generation.diversity import written
from tasks.pipeline import artifacts
from tasks.pipeline.plots import Panel, Point, markdown_image, png_of
from tasks.pipeline.workspace import Workspace, write_json

OUTPUT = "output pass@1"
SOLVER, VERIFIER = ("pass@1", "pass@1 base", "pass@1 base+plus"), (HEADLINE, "case accuracy", OUTPUT)
_ENDS = ("share", "low", "high")
AUDITED = ("kept problems right", "chosen solutions", "rejected solutions", "kept cases")


def turn_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a campaign keeps of one turn's report."""
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
    """All turns, oldest first, and why there are no more. `reports` is never empty."""
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
        "turns": [turn_of(report) for report in reports],
        "stopped": why,
        "champion": champion,
    }


def campaign_markdown(report: Mapping[str, Any]) -> str:
    """One row a turn, the metrics of both roles on dev and test, and the audit of each turn's filter."""
    turns = report["turns"]
    scored = turns[0]["before"]
    columns = [
        (metric, name) for metric in (*SOLVER, HEADLINE, OUTPUT) for name in scored if metric in scored[name]
    ]
    head = ["turn", "decision", *(f"{metric}, {name}" for metric, name in columns)]
    lines = [
        f"# Campaign of {len(turns)} turns: {sum(turn['decision'] == 'promote' for turn in turns)} promoted",
        "",
        f"Stopped because {report['stopped']}. Champion: {report['champion']['origin']}.",
        "",
        "## Scores of each turn's candidate (dev decides, test is only reported)",
        "",
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
    ]
    first = turns[0]
    start = "base" if first["from_base"] else "champion"
    lines.append(_row([start, "-", *(_cell(first["before"], *column) for column in columns)]))
    lines += [
        _row([turn["iteration"], turn["decision"], *(_cell(turn["after"], *column) for column in columns)])
        for turn in turns
    ]
    titles = [f"{name.removesuffix(' right')} right" for name in AUDITED]
    lines += [
        "",
        "## Yield, and the filter on labelled problems",
        "",
        f"| turn | problems (new) | kept | SFT rows | pairs | {' | '.join(titles)} |",
        "|" + "---|" * (5 + len(AUDITED)),
    ]
    for turn in turns:
        audit = [_share(turn["audit"].get(name)) for name in AUDITED]
        counts = [_roles(turn["sft"]), _roles(turn["pairs"])]
        problems = f"{turn['problems']} ({turn['new_problems']})"
        lines.append(_row([turn["iteration"], problems, turn["kept"], *counts, *audit]))
    lines += ["", "## Diversity of each candidate's answers to the benchmarks", ""]
    shares = list(dict.fromkeys(name for turn in turns for name in turn["diversity"]))
    lines += [_row(["turn", *shares]), "|" + "---|" * (1 + len(shares))]
    for turn in turns:
        lines.append(_row([turn["iteration"], *(written(turn["diversity"], name) for name in shares)]))
    lines += ["", *(f"- turn {turn['iteration']}: {turn['reason']}" for turn in turns)]
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
            Panel("Solver", "iteration (0: before)", "%", dict(_scores(report["turns"], SOLVER))),
            Panel("Verifier", "iteration (0: before)", "%", dict(_scores(report["turns"], VERIFIER))),
            Panel("Yield", "iteration", "count", dict(_yields(report["turns"]))),
            Panel("Audit of the filter", "iteration", "% right", dict(_audits(report["turns"]))),
        ]
    )


def _scores(
    turns: Sequence[Mapping[str, Any]], metrics: Sequence[str]
) -> Iterator[tuple[str, Sequence[Point]]]:
    """A series a metric and benchmark: the model before the first turn, then each turn's candidate."""
    first = turns[0]["iteration"] - 1
    for name in turns[0]["before"]:
        benchmark, _, split = name.partition("/")
        for metric in metrics:
            scored = [(first, turns[0]["before"]), *((turn["iteration"], turn["after"]) for turn in turns)]
            yield (
                f"{metric}, {benchmark} ({split})",
                [
                    (x, *(100 * value for value in with_bounds(scores[name][metric])))
                    for x, scores in scored
                    if metric in scores.get(name, {})
                ],
            )


def _yields(turns: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Point]]]:
    counts = {
        "problems kept": [turn["kept"] for turn in turns],
        "SFT rows": [sum(turn["sft"].values()) for turn in turns],
        "pairs": [sum(turn["pairs"].values()) for turn in turns],
    }
    for label, row in counts.items():
        yield label, [(turn["iteration"], n, n, n) for turn, n in zip(turns, row, strict=True)]


def _audits(turns: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Point]]]:
    for name in AUDITED:
        rows = [(turn["iteration"], turn["audit"].get(name)) for turn in turns]
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
