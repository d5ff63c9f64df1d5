"""What the Prefect UI shows: a table a task, and one report a run with its chart."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext, TaskRunContext

from tasks.workspace import ModelRef, StageResult


def _key(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")


def flat(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested facts as (dotted name, text) rows."""
    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}: ")
        elif isinstance(value, float):
            rows.append((f"{prefix}{name}", f"{value:.4g}"))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            shown = ", ".join(f"{item:.4g}" if isinstance(item, float) else str(item) for item in value[:12])
            rows.append((f"{prefix}{name}", shown + (" ..." if len(value) > 12 else "")))
        else:
            rows.append((f"{prefix}{name}", str(value)))
    return rows


def stage_markdown(result: StageResult) -> str:
    """A stage's facts, tables and key as markdown."""
    lines = [f"# {result.stage}" + (" (reused)" if result.reused else ""), ""]
    if result.facts:
        lines += ["| fact | value |", "|---|---|"]
        lines += [f"| {name} | {_cell(text)} |" for name, text in flat(result.facts)]
    if result.tables:
        lines += ["", "| table | rows | path in the workspace | SHA-256 |", "|---|---|---|---|"]
        lines += [
            f"| {name} | {r.rows} | `{r.path}` | `{r.digest[:12]}` |" for name, r in result.tables.items()
        ]
    for name, model in result.models.items():
        lines += ["", f"Model {name}: `{model.path}` (`{model.digest[:12]}`), {model.origin}"]
    lines += ["", f"Stage key `{result.key[:12]}`"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


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


def publish_report(markdown: str, chart: str, key: str) -> None:
    """Attach the run's report with its chart to the flow run."""
    if FlowRunContext.get() is not None:
        create_markdown_artifact(f"{markdown}\n\n{chart}\n", key=key, description="What this run did")


def publish_table(rows: Sequence[Mapping[str, Any]], key: str, description: str) -> None:
    """Attach a table to the flow run; one without rows is none."""
    if FlowRunContext.get() is not None and rows:
        create_table_artifact([dict(row) for row in rows], key=key, description=description)


def chart_of(scores: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> str:
    """A PNG data URI: each metric before and after with its interval; '' when there is nothing to draw.

    `scores` is `{"before" | "after": {"benchmark/split": {metric: [mean, low, high, problems]}}}`.
    """
    series = {label: table for label, table in scores.items() if table}
    names = list(dict.fromkeys(name for table in series.values() for name in table))
    if not names:
        return ""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(names), figsize=(5.2 * len(names), 3.6), squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        metrics = [
            metric
            for metric in next(table[name] for table in series.values() if name in table)
            if metric != "distinct solutions"
        ]
        for shift, (label, table) in enumerate(series.items()):
            rows = [table.get(name, {}).get(metric, [0.0, 0.0, 0.0]) for metric in metrics]
            means = [100 * row[0] for row in rows]
            spread = [
                [100 * max(0.0, row[0] - row[1]) for row in rows],
                [100 * max(0.0, row[2] - row[0]) for row in rows],
            ]
            positions = [index + 0.38 * shift for index in range(len(metrics))]
            axis.barh(positions, means, height=0.34, xerr=spread, label=label, capsize=2)
        axis.set_yticks([index + 0.19 for index in range(len(metrics))], metrics, fontsize=8)
        axis.invert_yaxis()
        axis.set_xlabel("% (95 % interval)", fontsize=8)
        axis.set_title(name, fontsize=9)
        axis.legend(fontsize=8)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    plt.close(figure)
    return f"![scores](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"
