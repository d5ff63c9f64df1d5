"""`flywheel show`: the report and the tables of an iteration, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from flows.console import print_markdown
from flows.report import markdown_of
from flows.runs import open_run
from tasks.errors import FlywheelError
from tasks.tables import read_plain
from tasks.workspace import Workspace


def tables_of(workspace: Workspace, iteration: int) -> dict[str, tuple[Path, int]]:
    """`{"stage/table": (path, rows)}` of an iteration's finished stages, in the order they ran."""
    return {
        f"{entry['stage']}/{name}": (workspace.root / ref["path"], ref["rows"])
        for entry in workspace.manifest(iteration)["stages"].values()
        for name, ref in entry["tables"].items()
    }


def show_report(name: str, root: str, json_output: bool) -> None:
    """Print an iteration's report, if it is finished, and its tables."""
    run = open_run(name, root)
    workspace, number = run.workspace, run.iteration
    manifest = workspace.manifest(number)
    tables = tables_of(workspace, number)
    if json_output:
        listed = {name: {"path": str(path), "rows": rows} for name, (path, rows) in tables.items()}
        print(json.dumps({"iteration": number, "report": manifest["finished"], "tables": listed}))
        return
    lines = (
        [markdown_of(manifest["finished"])]
        if manifest["finished"]
        else [f"# Iteration {number}: not finished", "", "`flywheel run` with the same settings goes on."]
    )
    lines += ["", "## Tables", "", "| table | rows |", "|---|---|"]
    lines += [f"| {name} | {rows} |" for name, (_, rows) in tables.items()]
    print_markdown("\n".join(lines))


def show_table(name: str, root: str, table: str, rows: int, json_output: bool) -> None:
    """Print rows of a table: "stage/table", or the table's name alone; several match: all of them."""
    run = open_run(name, root)
    workspace, number = run.workspace, run.iteration
    tables = tables_of(workspace, number)
    matching = {name: item for name, item in tables.items() if table in (name, name.rpartition("/")[2])}
    if not matching:
        raise FlywheelError(
            f"iteration {number} has no table {table!r}: {', '.join(tables) or 'none'} exist."
        )
    for found, (path, count) in matching.items():
        content = read_plain(path, rows)
        if json_output:
            for row in content:
                print(json.dumps({"table": found, **row}))
        else:
            if found.endswith("/dropped"):
                _print_reasons(read_plain(path))
            _print_rows(found, count, content)


def _print_reasons(rows: list[dict[str, Any]]) -> None:
    counts = Counter((row["kind"], row["reason"]) for row in rows)
    lines = ["| dropped | reason | rows |", "|---|---|---|"]
    lines += [f"| {kind} | {reason} | {count} |" for (kind, reason), count in counts.most_common()]
    print_markdown("\n".join([*lines, ""]))


def _print_rows(name: str, count: int, rows: list[dict[str, Any]]) -> None:
    """A block a row: most columns hold texts of many lines, which a grid would crush."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(Text(f"{name}: {len(rows)} of {count} rows", style="bold"))
    for number, row in enumerate(rows, 1):
        console.rule(f"row {number}", align="left")
        for column, value in row.items():
            text = _short(value)
            line_break = "\n" if "\n" in text else " "
            console.print(Text.assemble((f"{column}:", "cyan"), line_break, text))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 1000 else f"{text[:1000]} ... ({len(text)} characters; --json prints all)"
