"""The report of an iteration: one dictionary of facts, and its rendering for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from prefect.runtime import flow_run

from flows.reports.charts import png_of_scores
from flows.runtime.errors import native_words
from tasks.core.statistics import LEAST_PROBLEMS, share_bounds
from tasks.evaluation.metrics import shown
from tasks.filtering.decide import FILTER_VERSION
from tasks.generation.diversity import written
from tasks.pipeline import artifacts
from tasks.pipeline.plots import markdown_image
from tasks.pipeline.stage import IterationContext
from tasks.pipeline.workspace import ModelRef, StageResult
from tasks.settings.iteration import IterationSettings

# Below, even a good iteration's gain is seldom beyond noise.
FEW_PROBLEMS = 200


def report_of(
    context: IterationContext,
    settings: IterationSettings,
    stages: Sequence[StageResult],
    gate: Mapping[str, Any],
    base: ModelRef,
    champion: ModelRef,
    candidate: ModelRef,
) -> dict[str, Any]:
    """Everything a run says about itself, as plain JSON."""
    return {
        "iteration": context.iteration,
        "workspace": context.root,
        "folder": str(context.workspace.iteration_folder(context.iteration)),
        "rule": settings.agreement.rule,
        "asked": settings.evaluation.model_dump(include={"solutions", "suites", "temperature", "prompt"}),
        "base_digest": base.digest,
        "filter_version": FILTER_VERSION,
        "champion": asdict(champion),
        "candidate": asdict(candidate),
        "decision": gate["decision"],
        "reason": gate["reason"],
        "back_to_base": gate.get("back_to_base", False),
        "differences": gate["differences"],
        "stages": {stage.stage: stage.facts for stage in stages},
        "flow_run_id": str(flow_run.id or ""),
        "reused": [stage.stage for stage in stages if stage.reused],
    }


def _counts(facts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{name} {count}" for name, count in sorted(facts.items(), key=lambda i: -i[1])) or "none"
    )


def _at(sampled: Mapping[str, Any]) -> str:
    """The temperatures of the solutions, where there are several, and how many the base model wrote."""
    heats = sampled.get("solver_temperatures", {})
    shares = ", ".join(f"{count} at {heat}" for heat, count in heats.items())
    of_base = sampled.get("solutions_of_base")
    by = f", {of_base} of them by the base model" if of_base else ""
    return (f" ({shares})" if len(heats) > 1 else "") + by


def _problems(stages: Mapping[str, Any]) -> list[str]:
    problems, sampled = stages["propose"], stages["sample-self-play"]
    executed, agreed = stages["execute-self-play"], stages["agree"]
    return [
        "## Problems and samples",
        "",
        f"- problems: {problems['statements']} statements + {problems['proposed']} proposed by the model "
        f"(of {problems['asked']} asked); {problems['duplicates']} duplicates and "
        f"{problems['contaminated']} contaminated dropped; **{problems['kept']} kept**",
        f"- solutions: {sampled['solutions_sampled']} sampled{_at(sampled)}, "
        f"{sampled['solutions_parsed']} parsed",
        f"- suites: {sampled['suites_sampled']} sampled, {sampled['suites_parsed']} parsed, "
        f"{sampled['cases']} cases",
        f"- not parsed: {_counts(sampled['dropped'])}",
        f"- outcomes by kind: {_counts(executed['outcomes'])}; flaky solutions {executed['flaky']}, "
        f"others that depend on call order {executed['stable_by_suite']}",
        f"- agreement kept **{agreed['kept']} of {agreed['problems']}** problems "
        f"({agreed['confident']} confident enough for pairs)",
        f"- dropped because: {_counts(agreed['reasons'])}",
        "",
    ]


def _audit(stages: Mapping[str, Any]) -> list[str]:
    audits = {
        "labelled dev problems": stages["score-before"]["audit"],
        "the labelled ones of this iteration's own problems": stages["agree"].get("audit", {}),
    }
    lines = []
    for name, audit in audits.items():
        if not audit:
            continue
        lines += [
            f"## Audit of the filter on {name} (gold hidden from it)",
            "",
            "| what it says | right | share | 95 % Wilson |",
            "|---|---|---|---|",
        ]
        for row, n in audit.items():
            interval = share_bounds(n, "{} - {}") or "-"
            lines.append(
                f"| {row} | {n['right']} of {n['total']} | {n['share']:.0%} | {interval} |"
                if n["total"]
                else f"| {row} | none | - | - |"
            )
        lines.append("")
    return lines


def _training(stages: Mapping[str, Any]) -> list[str]:
    rows = stages["prefer"]
    lines = [
        "## Training",
        "",
        f"- mutants of the winners: {stages['mutate']['mutants']} made, {rows['non_equivalent_mutants']} run "
        f"and behave otherwise; suites that hold on the winners: {_counts(rows['kills'])}",
        f"- SFT rows: {_counts(rows['sft'])} ({rows['recombined']} suites recombined from kept cases)",
        f"- pairs: {_counts(rows['pairs'])} ({_counts(rows['pair_reasons'])})",
    ]
    for kind, name in (("sft", "SFT"), ("pairs", "pairs")):
        facts = stages["collect"][kind]
        iterations = ", ".join(
            f"{count} of iteration {number}" for number, count in facts["iterations"].items()
        )
        lines.append(
            f"- trained on, {name}: {_counts(facts['roles'])} ({iterations or 'none'}); {facts['held out']} "
            f"held out; {facts['one-liners']:.0%} of solver rows are one-liners; dropped: "
            f"{_counts(facts['dropped'])}"
        )
    for role, lengths in stages["collect"]["lengths"].items():
        lines.append(
            f"- {role} pairs: chosen {lengths['chosen']:.0f} characters, rejected {lengths['rejected']:.0f}, "
            f"chosen is shorter in {lengths['chosen is shorter']:.0%}"
        )
    for method in ("sft", "dpo"):
        facts = stages[f"train-{method}"]
        if "skipped" in facts:
            lines.append(f"- {method.upper()} skipped: {facts['skipped']}")
            continue
        lines.append(
            f"- {method.upper()}: {facts['rows_used']} rows ({facts['rows_too_long']} too long), "
            f"{facts['steps']} steps, {facts['seconds']:.0f} s; loss of the first step's rows "
            f"{facts['loss_first']:.3f}, of the last's {facts['loss_last']:.3f}"
            + (f", reward margin {facts['reward_margin_last']:.3f}" if "margins" in facts else "")
            + (f"; lowest held-out loss after step {facts['best_step']}" if "best_step" in facts else "")
            + _held_out_pairs(facts)
        )
    return [*lines, ""]


def _held_out_pairs(facts: Mapping[str, Any]) -> str:
    """What DPO made of pairs that it was not trained on: at its start everything is 0."""
    if not facts.get("held_out_margins"):
        return ""
    step, margin = facts["held_out_margins"][-1]
    share = facts["held_out_accuracies"][-1][1]
    return f"; held-out pairs after step {step}: reward margin {margin:.3f}, {share:.0%} in order"


def _diversity(stages: Mapping[str, Any]) -> list[str]:
    """How varied the answers are: of self-play, and of champion and candidate on the same problems."""
    columns = {
        "self-play": "sample-self-play",
        "champion, benchmarks": "sample-before",
        "candidate, benchmarks": "sample-after",
    }
    shares = {name: stages[key].get("diversity", {}) for name, key in columns.items() if key in stages}
    rows = list(dict.fromkeys(row for part in shares.values() for row in part))
    cells = {row: [written(part, row) for part in shares.values()] for row in rows}
    problems = stages["propose"]
    return [
        "## Diversity",
        "",
        f"- {problems['new']} of {problems['kept']} problems are new to this workspace",
        "",
        f"| answers | {' | '.join(shares)} |",
        "|---|" + "---|" * len(shares),
        *(f"| {row} | {' | '.join(cells[row])} |" for row in rows),
        "",
    ]


def _asked(report: Mapping[str, Any]) -> str:
    asked = report.get("asked")
    if not asked:
        return ""
    return (
        f"{asked['solutions']} solutions and {asked['suites']} suites a problem, at temperature "
        f"{asked['temperature']}; pass@k is estimated from those.{native_words(asked)}"
    )


def _scores(report: Mapping[str, Any]) -> list[str]:
    stages = report["stages"]
    before = stages["score-before"]["scores"]
    after = stages.get("score-after", {}).get("scores", {})
    pool = stages["negatives"]
    lines = [
        "## Scores (mean over problems, 95 % bootstrap interval)",
        "",
        _asked(report),
        f"Tests must reject a pool of {pool['pool']} solutions that gold says are wrong "
        f"({_counts(pool['origins'])}; median {pool['median']} a problem), the same for every model here.",
        "",
    ]
    for name in ("before", "after"):
        if broken := stages.get(f"execute-{name}", {}).get("outcomes", {}).get("fault"):
            lines += [
                f"**The sandbox broke {broken} times while `{name}` was scored**: those solutions count as "
                "wrong. See `flywheel doctor`.",
                "",
            ]
    for name, metrics in before.items():
        problems = next(iter(metrics.values()))[3]
        lines += [
            f"**{name}**, {problems} problems"
            + (" (decides)" if name.endswith("/dev") else " (report only)"),
            "",
            "| metric | before | after | paired difference |",
            "|---|---|---|---|",
        ]
        then = after.get(name, {})
        # Only one of the models may have a figure, like the mutation score of its sound suites.
        for metric in dict.fromkeys([*metrics, *then]):
            old, new = metrics.get(metric), then.get(metric)
            change = report["differences"].get(name, {}).get(metric)
            cells = [
                shown(metric, values, problems, signed) if values else "-"
                for values, signed in ((old, False), (new, False), (change, True))
            ]
            lines.append(f"| {metric} | {' | '.join(cells)} |")
        lines.append("")
    return lines


def markdown_of(report: Mapping[str, Any]) -> str:
    """The whole report as markdown."""
    stages = report["stages"]
    lines = [
        f"# Iteration {report['iteration']}: {report['decision']}",
        "",
        f"{report['reason'][:1].upper()}{report['reason'][1:]}.",
        "",
        *_problems(stages),
        *_audit(stages),
        *_training(stages),
        *_diversity(stages),
        *_scores(report),
        "## Where things lie",
        "",
        f"- champion before: `{report['champion']['path']}` ({report['champion']['origin']})",
        f"- candidate: `{report['candidate']['path']}` ({report['candidate']['origin']})",
        f"- tables, logs and manifest: `{report['folder']}`",
        f"- computed before, by this run or an earlier one: {', '.join(report['reused']) or 'nothing'}",
        "",
        beyond_noise(report["differences"]),
    ]
    return "\n".join(lines)


def beyond_noise(differences: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """One sentence: which differences are beyond noise (95 % interval off zero), if any. A bootstrap of
    fewer than `LEAST_PROBLEMS` says nothing."""
    beyond = [
        f"{metric} on {name} ({'up' if change[0] > 0 else 'down'})"
        for name, part in differences.items()
        for metric, change in part.items()
        if change[3] >= LEAST_PROBLEMS and (change[1] > 0 or change[2] < 0)
    ]
    if not differences:
        return "There is no new model, so there is nothing to compare."
    if not beyond:
        counts = [change[3] for part in differences.values() for change in part.values()]
        most = int(max(counts, default=0))
        few = ": with so few that is to be expected, not a failure" if most < FEW_PROBLEMS else ""
        return f"No score changed beyond noise on {most} problems{few}."
    return (
        f"Beyond noise (95 % interval off zero): {', '.join(beyond)}. Everything else may be chance; "
        "among many metrics one in twenty crosses that line by luck."
    )


def dropped_reasons(stages: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How many rows each stage dropped for each reason, the most first within a stage."""
    return [
        # The count first: the page cuts off what does not fit beside a long reason.
        {"rows": count, "stage": stage, "reason": reason}
        for stage, facts in stages.items()
        for reason, count in sorted(_dropped_of(stage, facts).items(), key=lambda item: -item[1])
    ]


def _dropped_of(stage: str, facts: Mapping[str, Any]) -> dict[str, int]:
    """A stage's reasons. `collect` has them by kind of row."""
    if stage != "collect":
        own: dict[str, int] = facts.get("dropped", {})
        return own
    return {
        f"{kind}: {reason}": count
        for kind in ("sft", "pairs")
        for reason, count in facts[kind]["dropped"].items()
    }


def publish(report: Mapping[str, Any]) -> None:
    """Attach the report with its chart, and the reasons why rows were dropped, to the flow run."""
    stages = report["stages"]
    chart = png_of_scores(
        {
            "before": stages["score-before"]["scores"],
            "after": stages.get("score-after", {}).get("scores", {}),
        }
    )
    artifacts.publish_report(markdown_of(report), markdown_image(chart, "scores"), "iteration-report")
    artifacts.publish_table(dropped_reasons(stages), "dropped-reasons", "Why rows were dropped, by stage")
