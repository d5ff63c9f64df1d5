"""The report of an iteration for people: markdown, a chart, and why rows were dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.reports.charts import png_of_scores
from flows.reports.evaluation import native_words
from flows.reports.report import IterationStages, Report
from tasks.core.markdown import table
from tasks.core.statistics import LEAST_PROBLEMS, Interval, Scores, Share, share_bounds
from tasks.datasets.collection import CollectionStatistics, RowStatistics
from tasks.datasets.preferences import PreferenceStatistics
from tasks.evaluation.metrics import shown
from tasks.filtering.agreement import AgreementStatistics
from tasks.generation.diversity import written
from tasks.generation.problems import ProblemStatistics
from tasks.generation.sampling import SamplingStatistics
from tasks.pipeline import artifacts
from tasks.pipeline.plots import markdown_image
from tasks.pipeline.statistics import Statistics
from tasks.training.step import TrainingStatistics

# Below, even a good iteration's gain is seldom beyond noise.
FEW_PROBLEMS = 200
_DROPPING = (ProblemStatistics, SamplingStatistics, AgreementStatistics, PreferenceStatistics)


def _counts(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda i: -i[1])) or "none"
    )


def _at(sampled: SamplingStatistics) -> str:
    """The temperatures of the solutions, where there are several, and how many the base model wrote."""
    heats = sampled.solver_temperatures
    shares = ", ".join(f"{count} at {heat}" for heat, count in heats.items())
    by = f", {sampled.solutions_of_base} of them by the base model" if sampled.solutions_of_base else ""
    return (f" ({shares})" if len(heats) > 1 else "") + by


def _problems(stages: IterationStages) -> list[str]:
    problems, sampled = stages.propose, stages.sample_self_play
    executed, agreed = stages.execute_self_play, stages.agree
    return [
        "## Problems and samples",
        "",
        f"- problems: {problems.statements} statements + {problems.proposed} proposed by the model "
        f"(of {problems.asked} asked); {problems.duplicates} duplicates and "
        f"{problems.contaminated} contaminated dropped; **{problems.kept} kept**",
        f"- solutions: {sampled.solutions_sampled} sampled{_at(sampled)}, {sampled.solutions_parsed} parsed",
        f"- suites: {sampled.suites_sampled} sampled, {sampled.suites_parsed} parsed, {sampled.cases} cases",
        f"- not parsed: {_counts(sampled.dropped)}",
        f"- outcomes by kind: {_counts(executed.outcomes)}; flaky solutions {executed.flaky}, "
        f"others that depend on call order {executed.stable_by_suite}",
        f"- agreement kept **{agreed.kept} of {agreed.problems}** problems "
        f"({agreed.confident} confident enough for pairs)",
        f"- dropped because: {_counts(agreed.reasons)}",
        "",
    ]


def _audit(stages: IterationStages) -> list[str]:
    audits = {
        "labelled dev problems": stages.score_before.audit,
        "the labelled ones of this iteration's own problems": stages.agree.audit,
    }
    lines = []
    for name, audit in audits.items():
        if not audit:
            continue
        lines += [
            f"## Audit of the filter on {name} (gold hidden from it)",
            "",
            *table(
                ("what it says", "right", "share", "95 % Wilson"),
                ((row, *_counted(share)) for row, share in audit.items()),
            ),
            "",
        ]
    return lines


def _counted(share: Share) -> tuple[str, str, str]:
    """`3 of 4`, the share and its interval."""
    if not share.total:
        return "none", "-", "-"
    return f"{share.right} of {share.total}", f"{share.share:.0%}", share_bounds(share, "{} - {}") or "-"


def _training(stages: IterationStages) -> list[str]:
    rows = stages.prefer
    return [
        "## Training",
        "",
        f"- mutants of the winners: {stages.mutate.mutants} made, {rows.non_equivalent_mutants} run "
        f"and behave otherwise; suites that hold on the winners: {_counts(rows.kills)}",
        f"- SFT rows: {_counts(rows.sft)} ({rows.recombined} suites recombined from kept cases)",
        f"- pairs: {_counts(rows.pairs)} ({_counts(rows.pair_reasons)})",
        *_collected(stages.collect),
        _trained("SFT", stages.train_sft),
        _trained("DPO", stages.train_dpo),
        "",
    ]


def _collected(collected: CollectionStatistics) -> list[str]:
    """What was trained on, a line a kind of rows, and how long the sides of pairs are, a line a role."""

    def line(name: str, rows: RowStatistics) -> str:
        iterations = ", ".join(f"{count} of iteration {number}" for number, count in rows.iterations.items())
        return (
            f"- trained on, {name}: {_counts(rows.roles)} ({iterations or 'none'}); {rows.held_out} "
            f"held out; {rows.one_liners:.0%} of solver rows are one-liners; dropped: "
            f"{_counts(rows.dropped)}"
        )

    return [
        line("SFT", collected.sft),
        line("pairs", collected.pairs),
        *(
            f"- {role} pairs: chosen {lengths.chosen:.0f} characters, rejected {lengths.rejected:.0f}, "
            f"chosen is shorter in {lengths.chosen_is_shorter:.0%}"
            for role, lengths in collected.lengths.items()
        ),
    ]


def _trained(method: str, trained: TrainingStatistics) -> str:
    if trained.skipped is not None:
        return f"- {method} skipped: {trained.skipped}"
    return (
        f"- {method}: {trained.rows_used} rows ({trained.rows_too_long} too long), "
        f"{trained.steps} steps, {trained.seconds:.0f} s; loss of the first step's rows "
        f"{trained.loss_first:.3f}, of the last's {trained.loss_last:.3f}"
        + (f", reward margin {trained.reward_margin_last:.3f}" if trained.margins else "")
        + (f"; lowest held-out loss after step {trained.best_step}" if trained.best_step is not None else "")
        + _held_out_pairs(trained)
    )


def _held_out_pairs(trained: TrainingStatistics) -> str:
    """What DPO made of pairs that it was not trained on: at its start everything is 0."""
    if not trained.held_out_margins or not trained.held_out_accuracies:
        return ""
    step, margin = trained.held_out_margins[-1]
    share = trained.held_out_accuracies[-1][1]
    return f"; held-out pairs after step {step}: reward margin {margin:.3f}, {share:.0%} in order"


def _diversity(stages: IterationStages) -> list[str]:
    """How varied the answers are: of self-play, and of champion and candidate on the same problems."""
    columns = {
        "self-play": stages.sample_self_play,
        "champion, benchmarks": stages.sample_before,
        "candidate, benchmarks": stages.sample_after,
    }
    shares = {name: sampled.diversity for name, sampled in columns.items() if sampled is not None}
    rows = list(dict.fromkeys(row for part in shares.values() for row in part))
    return [
        "## Diversity",
        "",
        f"- {stages.propose.new} of {stages.propose.kept} problems are new to this workspace",
        "",
        *table(
            ("answers", *shares), ((row, *(written(part, row) for part in shares.values())) for row in rows)
        ),
        "",
    ]


def _asked(report: Report) -> str:
    asked = report.asked
    if asked is None:
        return ""
    return (
        f"{asked.solutions} solutions and {asked.suites} suites a problem, at temperature "
        f"{asked.temperature}; pass@k is estimated from those.{native_words(asked)}"
    )


def _scores(report: Report) -> list[str]:
    stages, pool = report.stages, report.stages.negatives
    lines = [
        "## Scores (mean over problems, 95 % bootstrap interval)",
        "",
        _asked(report),
        f"Tests must reject a pool of {pool.pool} solutions that gold says are wrong "
        f"({_counts(pool.origins)}; median {pool.median} a problem), the same for every model here.",
        "",
    ]
    for name, executed in (("before", stages.execute_before), ("after", stages.execute_after)):
        if executed is not None and (broken := executed.outcomes.get("fault")):
            lines += [
                f"**The sandbox broke {broken} times while `{name}` was scored**: those solutions count as "
                "wrong. See `flywheel doctor`.",
                "",
            ]
    for name, metrics in report.before.items():
        problems = next(iter(metrics.values())).problems
        lines += [
            f"**{name}**, {problems} problems"
            + (" (decides)" if name.endswith("/dev") else " (report only)"),
            "",
        ]
        then, changes = report.after.get(name, {}), report.differences.get(name, {})
        # Only one of the models may have a figure, like the mutation score of its sound suites.
        rows = [
            (
                metric,
                _cell(metric, metrics, problems),
                _cell(metric, then, problems),
                _cell(metric, changes, problems, signed=True),
            )
            for metric in dict.fromkeys([*metrics, *then])
        ]
        lines += [*table(("metric", "before", "after", "paired difference"), rows), ""]
    return lines


def _cell(metric: str, scores: Mapping[str, Interval], problems: int, signed: bool = False) -> str:
    interval = scores.get(metric)
    return shown(metric, interval, problems, signed) if interval else "-"


def markdown_of(report: Report) -> str:
    """The whole report as markdown."""
    lines = [
        f"# Iteration {report.iteration}: {report.decision}",
        "",
        f"{report.reason[:1].upper()}{report.reason[1:]}.",
        "",
        *_problems(report.stages),
        *_audit(report.stages),
        *_training(report.stages),
        *_diversity(report.stages),
        *_scores(report),
        "## Where things lie",
        "",
        f"- champion before: `{report.champion.path}` ({report.champion.origin})",
        f"- candidate: `{report.candidate.path}` ({report.candidate.origin})",
        f"- tables, logs and manifest: `{report.folder}`",
        f"- computed before, by this run or an earlier one: {', '.join(report.reused) or 'nothing'}",
        "",
        beyond_noise(report.differences),
    ]
    return "\n".join(lines)


def beyond_noise(differences: Scores) -> str:
    """One sentence: which differences are beyond noise (95 % interval off zero), if any. A bootstrap of
    fewer than `LEAST_PROBLEMS` says nothing."""
    beyond = [
        f"{metric} on {name} ({'up' if change.mean > 0 else 'down'})"
        for name, part in differences.items()
        for metric, change in part.items()
        if change.problems >= LEAST_PROBLEMS and (change.low > 0 or change.high < 0)
    ]
    if not differences:
        return "There is no new model, so there is nothing to compare."
    if not beyond:
        most = max((change.problems for part in differences.values() for change in part.values()), default=0)
        few = ": with so few that is to be expected, not a failure" if most < FEW_PROBLEMS else ""
        return f"No score changed beyond noise on {most} problems{few}."
    return (
        f"Beyond noise (95 % interval off zero): {', '.join(beyond)}. Everything else may be chance; "
        "among many metrics one in twenty crosses that line by luck."
    )


def dropped_reasons(stages: IterationStages) -> list[dict[str, Any]]:
    """How many rows each stage dropped for each reason, the most first within a stage."""
    return [
        # The count first: the page cuts off what does not fit beside a long reason.
        {"rows": count, "stage": stage, "reason": reason}
        for stage, statistics in stages.by_name()
        for reason, count in sorted(_dropped_of(statistics).items(), key=lambda item: -item[1])
    ]


def _dropped_of(statistics: Statistics) -> dict[str, int]:
    """A stage's reasons. A collection has them by kind of row."""
    if isinstance(statistics, CollectionStatistics):
        kinds = {"sft": statistics.sft, "pairs": statistics.pairs}
        return {f"{kind}: {why}": n for kind, rows in kinds.items() for why, n in rows.dropped.items()}
    if isinstance(
        statistics, ProblemStatistics | SamplingStatistics | AgreementStatistics | PreferenceStatistics
    ):
        return statistics.dropped
    return {}


def publish(report: Report) -> None:
    """Attach the report with its chart, and the reasons why rows were dropped, to the flow run."""
    chart = png_of_scores({"before": report.before, "after": report.after})
    artifacts.publish_report(markdown_of(report), markdown_image(chart, "scores"), "iteration-report")
    artifacts.publish_table(
        dropped_reasons(report.stages), "dropped-reasons", "Why rows were dropped, by stage"
    )
