"""`flywheel compare` and `flywheel diff`: what two iterations scored, and what was different about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from flows.commands.runs import Run, open_iteration, open_run, open_scored
from flows.reports.iteration import beyond_noise
from flows.reports.terminal import print_markdown
from tasks.core.errors import FlywheelError
from tasks.core.markdown import table
from tasks.core.rows import ProblemScore
from tasks.core.statistics import Interval, bounds
from tasks.evaluation.metrics import compare, shown, summarise
from tasks.evaluation.scoring import ScoreStatistics
from tasks.pipeline.artifacts import flat
from tasks.pipeline.statistics import Figures, figures
from tasks.pipeline.workspace import StageResult
from tasks.settings.evaluation import EvaluationSettings

BASE = "base"
# Settings that scores depend on.
PROTOCOL = {
    "evaluation": ("benchmarks", "prompt", "max_problems", "solutions", "suites", "temperature"),
    "sampling": (
        *("format", "prefill", "worked_example", "thinking"),
        "cases_per_suite",
        "top_k",
        "max_solution_tokens",
        "max_suite_tokens",
    ),
    "sandbox": ("memory_mb", "cpu_s", "wall_s", "output_kb", "processes", "numpy"),
}
_LONG = ("losses", "margins", "audit", "scores", "differences")


def scored(name: str, root: str) -> tuple[Run, StageResult]:
    """A run and the stage that scored its model: the candidate's, or the champion's if nothing was trained.

    "base" is the base model, as the first finished iteration that started from it scored it; "e1" an
    evaluation.
    """
    folder, _, text = name.rpartition(":")
    if text == BASE:
        workspace = open_iteration(folder or root, 0).workspace
        for run in (Run(workspace, number) for number in workspace.iterations()):
            if run.report and run.report.of_base:
                return run, run.stages["score-before"]
        raise FlywheelError("no finished iteration started from the base model: finish the first one.")
    run = open_scored(name, root)
    if (stage := run.scored) is not None:
        return run, stage
    raise FlywheelError(f"{run.name} has not scored a model yet: `flywheel run` goes on with it.")


class Comparison(Figures):
    """What two runs' models scored on the problems that both were scored on."""

    a: str = Field(description="The first run, and the stage that scored its model.")
    b: str = Field(description="The second run, and the stage that scored its model.")
    scores_a: dict[str, dict[str, Interval]] = Field(description="The first model's scores.")
    scores_b: dict[str, dict[str, Interval]] = Field(description="The second model's scores.")
    differences: dict[str, dict[str, Interval]] = Field(description="B less A, paired by problem.")
    protocol_differs: list[str] = Field(description="What both were scored with differently.")
    verdict: str = Field(description="Which differences are beyond noise, in a sentence.")


def comparison(name_a: str, name_b: str, root: str) -> Comparison:
    """Paired differences (B - A) by problem with 95 % bootstrap intervals.

    Raises `FlywheelError` when the two share no problem.
    """
    (run_a, stage_a), (run_b, stage_b) = scored(name_a, root), scored(name_b, root)
    rows_a = run_a.workspace.read(stage_a.tables["scores"], ProblemScore)
    rows_b = run_b.workspace.read(stage_b.tables["scores"], ProblemScore)
    # Means over other problems than the differences are would say nothing beside them.
    common = {row.problem_id for row in rows_a} & {row.problem_id for row in rows_b}
    rows_a, rows_b = ([row for row in rows if row.problem_id in common] for rows in (rows_a, rows_b))
    set_a, set_b = run_a.settings, run_b.settings
    both = [k for k in set_a["evaluation"]["k"] if k in set_b["evaluation"]["k"]]
    evaluation = EvaluationSettings.model_validate({**set_a["evaluation"], "k": both})
    differences = {name: part for name, part in compare(rows_a, rows_b, evaluation).items() if part}
    if not differences:
        raise FlywheelError(f"{run_a.name} and {run_b.name} were scored on no common problem.")
    protocol = [
        f"{part}.{name}"
        for part, names in PROTOCOL.items()
        for name in names
        if set_a[part].get(name) != set_b[part].get(name)
    ]
    if stage_a.inputs.get("pool") != stage_b.inputs.get("pool"):
        protocol.append("pool of negatives")
    return Comparison(
        a=f"{name_a} ({stage_a.stage})",
        b=f"{name_b} ({stage_b.stage})",
        scores_a=summarise(rows_a, evaluation),
        scores_b=summarise(rows_b, evaluation),
        differences=differences,
        protocol_differs=protocol,
        verdict=beyond_noise(differences),
    )


def comparison_markdown(result: Comparison) -> str:
    """A table a benchmark, and the verdict."""
    lines = [f"# {result.b} against {result.a}", ""]
    for name, part in result.differences.items():
        problems = next(iter(part.values())).problems
        old, new = result.scores_a[name], result.scores_b[name]
        rows = [
            (
                metric,
                shown(metric, old[metric], problems),
                shown(metric, new[metric], problems),
                shown(metric, change, problems, signed=True),
            )
            for metric, change in part.items()
        ]
        lines += [f"**{name}**, {problems} problems", ""]
        lines += [*table(("metric", "A", "B", "B - A, paired"), rows), ""]
    if result.protocol_differs:
        lines += [
            f"Scored differently: {', '.join(result.protocol_differs)}. Read the differences with care.",
            "",
        ]
    return "\n".join([*lines, result.verdict])


def show_comparison(name_a: str, name_b: str, root: str, json_output: bool) -> None:
    """Print what two runs' models scored on the same problems."""
    result = comparison(name_a, name_b, root)
    if json_output:
        print(result.model_dump_json())
    else:
        print_markdown(comparison_markdown(result))


Change = tuple[str, str, str]


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """(name, old text, new text) of everything that differs; "-" where one side has nothing."""
    before, after = dict(flat(old)), dict(flat(new))
    return [
        (name, before.get(name, "-"), after.get(name, "-"))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _counts(run: Run) -> dict[str, Any]:
    return {
        name: {fact: value for fact, value in figures(stage.statistics).items() if fact not in _LONG}
        for name, stage in run.stages.items()
    }


def _tables(run: Run) -> dict[str, Any]:
    return {
        name: {table: f"{ref.rows} rows, {ref.digest[:12]}" for table, ref in stage.tables.items()}
        for name, stage in run.stages.items()
    }


def _metrics(run: Run) -> dict[str, Any]:
    """Scores with intervals and audit shares of every stage that scored."""

    def text(interval: Interval) -> str:
        return f"{interval.mean:.3f} {bounds(interval.low, interval.high, interval.problems)}".rstrip()

    scored = {
        name: stage.statistics_as(ScoreStatistics)
        for name, stage in run.stages.items()
        if name.startswith("score-")
    }
    return {
        name: {
            **{
                benchmark: {metric: text(interval) for metric, interval in part.items()}
                for benchmark, part in statistics.scores.items()
            },
            "audit": {row: f"{share.right} of {share.total}" for row, share in statistics.audit.items()},
        }
        for name, statistics in scored.items()
    }


def difference(name_a: str, name_b: str, root: str) -> dict[str, list[Change]]:
    """What changed between two runs: settings, models, packages, data (tables and counts), metrics."""
    run_a, run_b = open_run(name_a, root), open_run(name_b, root)

    def models(run: Run) -> dict[str, Any]:
        own = {name: model.digest[:16] for stage in run.stages.values() for name, model in _named(stage)}
        return {**own, "champion": run.report.champion.digest[:16] if run.report else "-"}

    def packages(run: Run) -> dict[str, Any]:
        found: dict[str, Any] = run.workspace.manifest(run.iteration).get("packages", {})
        return found

    return {
        "settings": changes(run_a.settings, run_b.settings),
        "packages": changes(packages(run_a), packages(run_b)),
        "models": changes(models(run_a), models(run_b)),
        "tables": changes(_tables(run_a), _tables(run_b)),
        "counts": changes(_counts(run_a), _counts(run_b)),
        "metrics": changes(_metrics(run_a), _metrics(run_b)),
    }


def _named(stage: StageResult) -> Iterator[tuple[str, Any]]:
    for name, model in stage.models.items():
        yield f"{stage.stage} {name}", model


def difference_markdown(name_a: str, name_b: str, parts: Mapping[str, list[Change]]) -> str:
    """A table a part; parts without a change are named last."""
    lines = [f"# What changed from {name_a} to {name_b}", ""]
    for part, rows in parts.items():
        if rows:
            lines += [f"## {part.capitalize()}", "", *table(("", name_a, name_b), rows), ""]
    same = [part for part, rows in parts.items() if not rows]
    return "\n".join([*lines, f"The same: {', '.join(same) or 'nothing'}."])


def show_difference(name_a: str, name_b: str, root: str, json_output: bool) -> None:
    """Print what changed between two runs."""
    parts = difference(name_a, name_b, root)
    if json_output:
        print(json.dumps({part: [list(row) for row in rows] for part, rows in parts.items()}))
    else:
        print_markdown(difference_markdown(name_a, name_b, parts))
