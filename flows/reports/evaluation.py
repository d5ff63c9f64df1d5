"""The record of an evaluation for people."""

from __future__ import annotations

from flows.runtime.evaluations import EvaluationRecord
from tasks.core.markdown import table
from tasks.evaluation.metrics import shown
from tasks.pipeline.finished import Asked


def native_words(asked: Asked) -> str:
    """How code was asked for, where not as in self-play; "" where it was."""
    native = asked.prompt == "native"
    return " Code was asked for with the benchmarks' own prompts (native)." if native else ""


def scores_markdown(record: EvaluationRecord) -> str:
    """Scores with intervals, a line a metric."""
    asked = record.asked
    lines = [
        f"# Scores of {record.title} (evaluation e{record.number})",
        "",
        f"`{record.name}`, {record.model[:12]}; {asked.solutions} solutions and {asked.suites} "
        f"suites a problem, at temperature {asked.temperature}.{native_words(asked)}",
        "",
    ]
    for name, part in record.scores.items():
        problems = next(iter(part.values())).problems
        lines += [
            f"**{name}**, {problems} problems",
            "",
            *table(
                ("metric", "mean, 95 % interval"),
                ((metric, shown(metric, interval, problems)) for metric, interval in part.items()),
            ),
            "",
        ]
    return "\n".join(lines)
