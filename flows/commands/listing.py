"""`flywheel list`: a workspace's iterations and evaluations, a line each."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.commands.runs import Run
from flows.reports.campaign import SOLVER
from flows.reports.terminal import print_markdown
from flows.runtime.evaluations import champion_now, evaluations_of, finished_of
from tasks.evaluation.metrics import STRONG_SUITE_RATE, shown
from tasks.pipeline.workspace import Workspace

METRICS = (*SOLVER, STRONG_SUITE_RATE)


def listed(workspace: Workspace) -> list[dict[str, Any]]:
    """A row for every iteration, then for every evaluation, as plain JSON.

    Keys: `name` (what commands take), `state` ("finished", "running", "unfinished" or "evaluation"),
    `decision`, `when` (UTC: of its end, of an unfinished one its last stage's), `model`, whether that is now
    the `champion`, and `scores`.
    """
    numbers = [number for number in workspace.iterations() if number > 0]
    # Of the unfinished ones only the last can be what a run that holds the lock works on.
    running = next(
        (n for n in reversed(numbers) if _is_held(workspace) and not workspace.manifest(n)["finished"]), 0
    )
    rows = [_iteration(Run(workspace, number), number == running) for number in numbers]
    finished = finished_of(workspace)
    promoted = champion_now(workspace)[1] if finished else 0
    for row in rows:
        row["champion"] = row["name"] == str(promoted)
    return rows + [
        {
            "name": f"e{record['number']}",
            "state": "evaluation",
            "decision": "",
            "when": record["when"][:16].replace("T", " "),
            "model": record["title"],
            "scores": record["scores"],
            "champion": False,
        }
        for record in evaluations_of(workspace)
    ]


def _iteration(run: Run, running: bool) -> dict[str, Any]:
    folder = run.workspace.iteration_folder(run.iteration)
    report, stages, scored = run.report, run.stages, run.scored
    trained = bool(report.get("differences"))
    latest = next(reversed(stages), "")
    return {
        "name": str(run.iteration),
        "state": "finished" if report else "running" if running else "unfinished",
        "decision": report.get("decision", f"after {len(stages)} stages: {latest}" if latest else ""),
        "when": _when(*(folder / name for name in ("manifest.json", "settings.json"))),
        "model": (report["candidate"]["origin"] if trained else "none new") if report else "",
        "scores": scored.facts["scores"] if scored is not None and scored.stage == "score-after" else {},
    }


def _when(*paths: Path) -> str:
    """When the first of these files that there is was written, UTC."""
    times = [path.stat().st_mtime for path in paths if path.exists()]
    return f"{datetime.fromtimestamp(times[0], UTC):%Y-%m-%d %H:%M}" if times else ""


def _is_held(workspace: Workspace) -> bool:
    """Whether a run holds the workspace's lock now."""
    path = workspace.root / "lock"
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def list_markdown(rows: list[dict[str, Any]], root: str) -> str:
    """The rows as one table; a column for each metric and benchmark that any of them has."""
    columns = [
        (metric, name)
        for metric in METRICS
        for name in dict.fromkeys(name for row in rows for name in row["scores"])
        if any(metric in row["scores"].get(name, {}) for row in rows)
    ]
    head = [
        "",
        "state",
        "decision",
        "when (UTC)",
        "model",
        *(f"{metric}, {name}" for metric, name in columns),
    ]
    lines = [f"# {root}", "", _row(head), "|" + "---|" * len(head)]
    for row in rows:
        cells = [_cell(row["scores"], metric, name) for metric, name in columns]
        lines.append(_row([row["name"], row["state"], row["decision"], row["when"], row["model"], *cells]))
    champion = next(
        (f"the model of iteration {row['name']}" for row in rows if row["champion"]), "the base model"
    )
    return "\n".join([*lines, "", f"The champion is {champion}. `flywheel show NAME` has more of each."])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(scores: Mapping[str, Any], metric: str, name: str) -> str:
    values = scores.get(name, {}).get(metric)
    return shown(metric, values) if values else "-"


def show_list(root: str, json_output: bool) -> None:
    """Print a workspace's iterations and evaluations."""
    workspace = Workspace.existing(root)
    rows = listed(workspace)
    if json_output:
        print(json.dumps(rows))
    elif rows:
        print_markdown(list_markdown(rows, str(workspace.root)))
    else:
        print(f"{workspace.root} holds nothing yet: `flywheel run` makes an iteration.")
