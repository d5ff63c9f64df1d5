"""`flywheel show`: the report and the tables of an iteration, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from flows.commands.runs import EvaluationRun, Run, open_scored
from flows.reports.evaluation import scores_markdown
from flows.reports.iteration import markdown_of
from flows.reports.terminal import print_markdown
from flows.runtime.evaluations import EvaluationRecord
from tasks.core.errors import FlywheelError
from tasks.core.markdown import table
from tasks.core.tables import read_plain

SHOWN_ROWS = 20
# What a row may take of a screen: lines a text, characters a line, and of what stands beside others.
_LINES, _LINE, _SHORT = 8, 160, 48


def tables_of(run: Run) -> dict[str, tuple[Path, int]]:
    """`{"stage/table": (path, rows)}` of an iteration's finished stages, in the order they ran."""
    return {
        f"{stage.stage}/{name}": (run.workspace.path(ref), ref.rows)
        for stage in run.stages.values()
        for name, ref in stage.tables.items()
    }


def show_report(name: str, root: str, json_output: bool) -> None:
    """Print an iteration's report, if it is finished, or an evaluation's scores; and the tables."""
    run = open_scored(name, root)
    report = run.record if isinstance(run, EvaluationRun) else run.report
    tables = tables_of(run)
    if json_output:
        listed = {name: {"path": str(path), "rows": rows} for name, (path, rows) in tables.items()}
        plain = report.model_dump(mode="json") if report else None
        print(json.dumps({"iteration": run.iteration, "report": plain, "tables": listed}))
        return
    if isinstance(report, EvaluationRecord):
        lines = [scores_markdown(report)]
    elif report:
        lines = [markdown_of(report)]
    else:
        title = f"# Iteration {run.iteration}: not finished"
        lines = [title, "", "`flywheel run` with the same settings goes on."]
    lengths = ((name, rows) for name, (_, rows) in tables.items())
    lines += ["", "## Tables", "", *table(("table", "rows"), lengths)]
    print_markdown("\n".join(lines))


def show_table(
    name: str, root: str, table: str, rows: int | None, json_output: bool, problem_id: str = ""
) -> None:
    """Print rows of a table: "stage/table", or the table's name alone; several match: all of them.

    `rows`: at most so many in all; None: all of them as JSON, `SHOWN_ROWS` for people. With a `problem_id`
    only that problem's.
    """
    run = open_scored(name, root)
    tables = tables_of(run)
    matching = {name: item for name, item in tables.items() if table in (name, name.rpartition("/")[2])}
    if not matching:
        raise FlywheelError(f"{run.title} has no table {table!r}: {', '.join(tables) or 'none'} exist.")
    content = {found: _of_problem(path, problem_id) for found, (path, _) in matching.items()}
    if problem_id and not any(content.values()):
        raise FlywheelError(f"{' and '.join(matching)} hold no row of a problem {problem_id!r}.")
    shares = _shared(
        list(map(len, content.values())), SHOWN_ROWS if rows is None and not json_output else rows
    )
    for (found, all_rows), share in zip(content.items(), shares, strict=True):
        if json_output:
            for row in all_rows[:share]:
                print(json.dumps({"table": found, **row}))
            if share < len(all_rows):
                print(f"{found}: {share} of {len(all_rows)} rows, as --rows says", file=sys.stderr)
        else:
            if found.endswith("/dropped"):
                _print_reasons(all_rows)
            _print_rows(found, all_rows, share)


def _of_problem(path: Path, problem_id: str) -> list[dict[str, Any]]:
    rows = read_plain(path)
    return [row for row in rows if row.get("problem_id") == problem_id] if problem_id else rows


def _shared(counts: list[int], limit: int | None) -> list[int]:
    """How many rows of each table are shown: all, or `limit` in all, in turn."""
    if limit is None:
        return counts
    shares = [0] * len(counts)
    while sum(shares) < min(limit, sum(counts)):
        for index, count in enumerate(counts):
            if shares[index] < count and sum(shares) < limit:
                shares[index] += 1
    return shares


def _print_reasons(rows: list[dict[str, Any]]) -> None:
    counts = Counter((row["kind"], row["reason"]) for row in rows)
    told = ((kind, reason, count) for (kind, reason), count in counts.most_common())
    print_markdown("\n".join([*table(("dropped", "reason", "rows"), told), ""]))


def _print_rows(name: str, rows: list[dict[str, Any]], share: int) -> None:
    """A block a row: what is short stands side by side, texts of many lines below each other."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(Text(f"{name}: {share} of {len(rows)} rows", style="bold"))
    for number, row in enumerate(rows[:share], 1):
        console.rule(f"row {number}", align="left")
        texts = {column: _text(value) for column, value in row.items()}
        short = [column for column, text in texts.items() if len(text) <= _SHORT and "\n" not in text]
        pairs = [part for column in short for part in ((f"{column}: ", "cyan"), f"{texts[column]}  ")]
        console.print(Text.assemble(*pairs))
        for column in texts:
            if column not in short:
                text = Text(cut(texts[column], last=column == "prompt"))
                console.print(Text.assemble((f"{column}:", "cyan"), "\n", text), overflow="fold")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def cut(text: str, last: bool = False) -> str:
    """A text of a few lines at most, with what was left out: its beginning, or its `last` lines, which are
    what tells one prompt from another."""
    lines = [
        line if len(line) <= _LINE else f"{line[:_LINE]} ... ({len(line)} characters)"
        for line in text.rstrip("\n").split("\n")
    ]
    left = len(lines) - _LINES
    if left <= 0:
        return "\n".join(lines)
    said = f"... ({left} lines more; --json prints all)"
    return "\n".join([said, *lines[-_LINES:]] if last else [*lines[:_LINES], said])
