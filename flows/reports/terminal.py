"""What a terminal shows at the end of a command: the report of an iteration, a campaign, an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.reports.campaign_report import CampaignReport
    from flows.reports.report import Report
    from flows.runtime.evaluations import EvaluationRecord

_UI = "http://127.0.0.1:4200"


def print_markdown(text: str) -> None:
    """Markdown for people: laid out in a terminal, plain in a pipe."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        print(text)


def print_report(report: Report, json_output: bool) -> None:
    """The report of an iteration, and how to see the run in the UI."""
    from flows.reports.iteration import markdown_of
    from flows.runtime.server import known_server

    if json_output:
        print(report.model_dump_json())
        return
    print_markdown(markdown_of(report))
    server = known_server().rstrip("/").removesuffix("/api")
    serve = "" if server else "`flywheel serve`, then "
    address = f"{server or _UI}/runs/flow-run/{report.flow_run_id}"
    print(f"\nSee this run in the Prefect UI: {serve}open {address}")


def print_campaign(report: CampaignReport, json_output: bool) -> None:
    """The report of a campaign, and where its curves lie."""
    from flows.reports.campaign import campaign_markdown

    if json_output:
        print(report.model_dump_json())
        return
    print_markdown(campaign_markdown(report))
    print(f"\nCurves and report: {report.folder}")


def print_scores(record: EvaluationRecord, json_output: bool) -> None:
    """An evaluation, and what finds it again."""
    from flows.reports.evaluation import scores_markdown

    if json_output:
        print(record.model_dump_json())
        return
    print_markdown(scores_markdown(record))
    name = f"e{record.number}"
    print(
        f"\n`flywheel show {name}` prints this again, `flywheel compare base {name}` sets it beside the base."
    )
