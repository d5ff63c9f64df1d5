"""`flywheel list`: a workspace's iterations and evaluations, a line each."""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from flows.commands.runs import Run
from flows.reports.curves import SOLVER
from flows.reports.terminal import print_markdown
from flows.runtime.evaluations import champion_now, evaluations_of, finished_of
from tasks.core.markdown import table
from tasks.core.statistics import Interval, Scores
from tasks.evaluation.metrics import STRONG_SUITE_RATE, shown
from tasks.evaluation.scoring import ScoreStatistics
from tasks.pipeline.statistics import Figures
from tasks.pipeline.workspace import Workspace

METRICS = (*SOLVER, STRONG_SUITE_RATE)


class Listed(Figures):
    """A line of the list."""

    name: str = Field(description="What commands take.")
    state: Literal["finished", "running", "unfinished", "evaluation"] = Field(description="What it is.")
    decision: str = Field(description="The gate's decision; of an unfinished one, how far it is.")
    when: str = Field(description="Of its end, of an unfinished one its last stage's, UTC.")
    model: str = Field(description="The model that came of it, or that was scored.")
    champion: bool = Field(default=False, description="Whether that is now the champion.")
    scores: dict[str, dict[str, Interval]] = Field(description="The model's scores.")


def listed(workspace: Workspace) -> list[Listed]:
    """A row for every iteration, then for every evaluation."""
    numbers = [number for number in workspace.iterations() if number > 0]
    # Of the unfinished ones only the last can be what a run that holds the lock works on.
    running = next(
        (n for n in reversed(numbers) if _is_held(workspace) and not workspace.manifest(n)["finished"]), 0
    )
    promoted = champion_now(workspace)[1] if finished_of(workspace) else 0
    rows = [_iteration(Run(workspace, number), number == running, number == promoted) for number in numbers]
    return rows + [
        Listed(
            name=f"e{record.number}",
            state="evaluation",
            decision="",
            when=record.when[:16].replace("T", " "),
            model=record.title,
            scores=record.scores,
        )
        for record in evaluations_of(workspace)
    ]


def _iteration(run: Run, running: bool, champion: bool) -> Listed:
    folder = run.workspace.iteration_folder(run.iteration)
    when = _when(*(folder / name for name in ("manifest.json", "settings.json")))
    report, stages = run.report, run.stages
    scored = stages.get("score-after")
    scores = scored.statistics_as(ScoreStatistics).scores if scored else {}
    name = str(run.iteration)
    if report is None:
        latest = next(reversed(stages), "")
        far = f"after {len(stages)} stages: {latest}" if latest else ""
        state: Literal["running", "unfinished"] = "running" if running else "unfinished"
        return Listed(name=name, state=state, decision=far, when=when, model="", scores=scores)
    return Listed(
        name=name,
        state="finished",
        decision=report.decision,
        when=when,
        model=report.candidate.origin if report.has_new_model else "none new",
        champion=champion,
        scores=scores,
    )


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


def list_markdown(rows: list[Listed], root: str) -> str:
    """The rows as one table; a column for each metric and benchmark that any of them has."""
    columns = [
        (metric, name)
        for metric in METRICS
        for name in dict.fromkeys(name for row in rows for name in row.scores)
        if any(metric in row.scores.get(name, {}) for row in rows)
    ]
    head = [
        "",
        "state",
        "decision",
        "when (UTC)",
        "model",
        *(f"{metric}, {name}" for metric, name in columns),
    ]
    told = (
        [row.name, row.state, row.decision, row.when, row.model]
        + [_cell(row.scores, metric, name) for metric, name in columns]
        for row in rows
    )
    lines = [f"# {root}", "", *table(head, told)]
    champion = next((f"the model of iteration {row.name}" for row in rows if row.champion), "the base model")
    return "\n".join([*lines, "", f"The champion is {champion}. `flywheel show NAME` has more of each."])


def _cell(scores: Scores, metric: str, name: str) -> str:
    interval = scores.get(name, {}).get(metric)
    return shown(metric, interval) if interval else "-"


def show_list(root: str, json_output: bool) -> None:
    """Print a workspace's iterations and evaluations."""
    workspace = Workspace.existing(root)
    rows = listed(workspace)
    if json_output:
        print(json.dumps([row.model_dump(mode="json") for row in rows]))
    elif rows:
        print_markdown(list_markdown(rows, str(workspace.root)))
    else:
        print(f"{workspace.root} holds nothing yet: `flywheel run` makes an iteration.")
