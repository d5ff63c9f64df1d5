"""What the Prefect UI shows: a table a task, and one report a run with its chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext, TaskRunContext

from tasks.core.markdown import table
from tasks.core.statistics import Interval, Share, bounds, share_bounds
from tasks.pipeline.statistics import figures
from tasks.pipeline.workspace import ModelRef, StageResult


def _key(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")


def flat(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested facts as (dotted name, text) rows; a share, an interval and a curve are one row."""
    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        if (text := _told(value)) is not None:
            rows.append((f"{prefix}{name}", text))
        elif isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}: ")
        elif isinstance(value, float):
            rows.append((f"{prefix}{name}", f"{value:.4g}"))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            shown = ", ".join(f"{item:.4g}" if isinstance(item, float) else str(item) for item in value[:12])
            rows.append((f"{prefix}{name}", shown + (" ..." if len(value) > 12 else "")))
        else:
            rows.append((f"{prefix}{name}", str(value)))
    return rows


def _told(value: Any) -> str | None:
    """What has a form of its own: a share and a mean with their intervals, the points of a curve."""
    if isinstance(value, Share):
        return f"{value.right} of {value.total} {share_bounds(value)}".rstrip() if value.total else "none"
    if isinstance(value, Interval):
        ends = bounds(value.low, value.high, value.problems)
        return " ".join(filter(None, (f"{value.mean:.3f}", ends))) + f", {value.problems} problems"
    if not isinstance(value, list | tuple) or not value:
        return None
    if all(isinstance(point, list | tuple) and list(map(type, point)) == [int, float] for point in value):
        shown = [*value[:3], *value[-2:]] if len(value) > 6 else value
        texts = [f"{x:g}: {y:.4g}" for x, y in shown]
        return ", ".join([*texts[:3], "...", *texts[3:]] if len(value) > 6 else texts)
    return None


def stage_markdown(result: StageResult) -> str:
    """A stage's statistics, tables and key as markdown."""
    lines = [f"# {result.stage}" + (" (reused)" if result.reused else ""), ""]
    facts = figures(result.statistics)
    if "reason" in facts:
        # The one line that matters must not stand in a narrow cell.
        lines += [f"**{facts.pop('decision')}**: {facts.pop('reason')}", ""]
    for example in result.examples:
        lines += [example, ""]
    if facts:
        lines += table(("fact", "value"), flat(facts))
    if result.tables:
        refs = (
            (name, ref.rows, f"`{ref.path}`", f"`{ref.digest[:12]}`") for name, ref in result.tables.items()
        )
        lines += ["", *table(("table", "rows", "path in the workspace", "SHA-256"), refs)]
    for name, model in result.models.items():
        named = "Model" if name == "model" else f"Model {name}"
        lines += ["", f"{named}: `{model.path}` (`{model.digest[:12]}`), {model.origin}"]
    lines += ["", f"Stage key `{result.key[:12]}`"]
    return "\n".join(lines)


def publish_stage(result: StageResult) -> None:
    """Attach a stage's artifact to its task run; outside a run there is nothing to attach to."""
    if TaskRunContext.get() is not None:
        create_markdown_artifact(
            stage_markdown(result), key=_key(result.stage), description=f"{result.stage}: facts and tables"
        )


def publish_model(model: ModelRef) -> None:
    """Attach a model's place and digest to its task run."""
    if TaskRunContext.get() is not None:
        text = f"# {model.origin}\n\nFolder `{model.path}`\n\nSHA-256 `{model.digest}`"
        create_markdown_artifact(text, key="base-model", description="Where the base model lies")


def publish_curves(name: str, chart: str) -> None:
    """Attach a stage's curves to its task run."""
    if TaskRunContext.get() is not None:
        create_markdown_artifact(
            f"# {name}\n\n{chart}\n", key=_key(f"{name}-curves"), description=f"{name}: losses, lengths"
        )


def with_chart(markdown: str, chart: str) -> str:
    """A report with its chart before its first section: what came of the run is seen without scrolling."""
    head, section, rest = markdown.partition("\n## ")
    return f"{head}\n{chart}\n{section}{rest}" if chart else markdown


def publish_report(markdown: str, chart: str, key: str) -> None:
    """Attach the run's report with its chart to the flow run."""
    if FlowRunContext.get() is not None:
        create_markdown_artifact(with_chart(markdown, chart), key=key, description="What this run did")


def publish_table(rows: Sequence[Mapping[str, Any]], key: str, description: str) -> None:
    """Attach a table to the flow run; one without rows is none."""
    if FlowRunContext.get() is not None and rows:
        create_table_artifact([dict(row) for row in rows], key=key, description=description)
