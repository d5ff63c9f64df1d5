"""One iteration: who reads this file from top to bottom has read the whole method.

A model proposes problems, writes solutions and tests for them independently, both are executed against each
other, what agrees becomes training data for both roles, and the trained model is promoted if it is better
on labelled problems that nothing was trained on (Sol-Ver, arXiv 2502.14948). No human labels, no teacher.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from prefect import flow

from flows.evaluation import (
    EVALUATION_SEED,
    AuditConfig,
    evaluate_model,
    labelled_problems,
    reference_of,
    self_play_stream,
    uses_reference_model,
)
from flows.plan import BASELINE_CHECK, stages_of_iteration
from flows.reports.iteration import publish
from flows.reports.report import Report, report_of
from flows.runtime.checks import check_decides, check_lengths, check_models_fit
from flows.runtime.crashed_runs import track_flow_run
from flows.runtime.given import settings_given
from flows.runtime.pruning import prune_models
from flows.runtime.run_names import first_name, rename
from tasks.datasets.collection import SELF_PLAY, IterationRows, SelfPlay, collect, past_iterations
from tasks.datasets.preferences import prefer
from tasks.evaluation.gate import GateStatistics, champion_of, hold_unchanged, needs_baseline_check, promote
from tasks.execution.problem_data import SampleRefs
from tasks.execution.step import execute
from tasks.filtering.agreement import agree
from tasks.generation.format_checks import check_format
from tasks.generation.problems import propose
from tasks.generation.sampling import sample
from tasks.inference.engines import close_shared_sampler
from tasks.models.base import base_model
from tasks.mutation.step import mutate
from tasks.pipeline.stage import IterationContext, StageCount, log_progress
from tasks.pipeline.stage_name import stage_label
from tasks.pipeline.workspace import ModelRef, Ref, StageResult, Workspace
from tasks.settings.iteration import IterationSettings
from tasks.training.step import TrainingStatistics, train


@flow(name="iteration", flow_run_name=first_name, log_prints=True, validate_parameters=False)
def iteration(settings: IterationSettings) -> Report:
    """Run one iteration, or finish the iteration that a killed run began. Returns the report."""
    settings = settings_given(settings)
    check_decides(settings)
    check_lengths(settings)
    workspace = Workspace(settings.workspace)
    with workspace.lock("an iteration"), track_flow_run(workspace.root):
        check_models_fit(settings)
        context = IterationContext(str(workspace.root), workspace.begin(settings), settings.seed)
        log_progress(f"iteration {context.iteration} in {workspace.root}")
        rename(workspace.root, f"iteration {context.iteration}")
        try:
            report = _run_iteration(context, workspace, settings)
        finally:
            close_shared_sampler()
        rename(workspace.root, f"iteration {context.iteration}, {report.decision}")
        return report


@dataclass(frozen=True)
class Judged:
    """From executed samples to training rows: the stages in order, and what they give."""

    stages: tuple[StageResult, ...]
    iteration_rows: IterationRows


def _run_iteration(context: IterationContext, workspace: Workspace, settings: IterationSettings) -> Report:
    stages: dict[str, StageResult] = {}

    def record_stage(stage: StageResult) -> StageResult:
        """The stage, for the report too; the pool of negatives is met twice, and told of once."""
        return stages.setdefault(stage.stage, stage)

    # The champion is the last promoted model; the first iteration starts with the base.
    base = base_model(settings.model)
    log_progress(check_format(workspace.path(base), settings.sampling))
    champion = champion_of(workspace, base, context.iteration)
    reference = reference_of(champion, base, settings)
    past = past_iterations(
        workspace, base, context.iteration, settings.rows, need_reference=uses_reference_model(settings)
    )
    stage_count = StageCount(stages_of_iteration(settings, champion.digest == base.digest, past))
    context = replace(context, count=stage_count)
    labelled = record_stage(labelled_problems(context, settings)).tables

    # 1. Problems: statements and proposals, without repeats and without benchmark text.
    problems = record_stage(
        propose(
            context,
            champion,
            labelled["guarded"],
            settings.model.dtype,
            settings.engine,
            settings.sampling,
            settings.problems,
            context.seed,
            context.iteration,
        )
    ).tables["problems"]

    # 2. Samples: the champion writes solutions and suites, each from the statement alone; part of the
    # solutions is the base model's, which has not been trained to agree with itself.
    sampled = record_stage(
        sample(
            context.labelled(SELF_PLAY),
            champion,
            problems,
            settings.model.dtype,
            settings.engine,
            settings.sampling,
            self_play_stream(settings, context.iteration),
            reference,
        )
    ).tables

    # The champion's scores before training, and the filter's audit: now, while the engine holds its weights
    # (or never, if the iteration that promoted it left them).
    audited = AuditConfig(base, labelled["dev"])
    before = evaluate_model(
        context, "before", champion, labelled["scored"], labelled["limits"], settings, audited=audited
    )
    for stage in before.stages:
        record_stage(stage)

    # 3. Execution: every solution meets every call of its problem's suites in a container.
    executed = record_stage(
        execute(
            context.labelled(SELF_PLAY),
            problems,
            sampled["solutions"],
            sampled["suites"],
            settings.sandbox,
        )
    )
    samples = SampleRefs(
        problems,
        sampled["samples"],
        sampled["solutions"],
        sampled["suites"],
        executed.tables["behaviours"],
    )
    self_play = SelfPlay(samples, settings.sampling, with_reference=reference is not None)

    # 4. Agreement: what behaves alike wins, and becomes rows for both roles.
    judged = _judge(context, context.iteration, self_play, settings)
    for stage in judged.stages:
        record_stage(stage)
    rows_by_iteration = [judged.iteration_rows]

    # 5. Rows of earlier iterations too, judged again if the filter has changed; guards choose what is trained
    # on.
    for earlier in past:
        number = earlier.iteration_rows.iteration
        again = not earlier.judged_by(settings)
        rows_by_iteration.append(
            _judge(context, number, earlier.self_play, settings, f"of-{number}").iteration_rows
            if again
            else earlier.iteration_rows
        )
    data = record_stage(
        collect(context, rows_by_iteration, labelled["guarded"], settings.rows, context.iteration)
    ).tables

    # 6. Training: SFT, then DPO with an SFT term. The engine's memory is training's now.
    close_shared_sampler()
    start = base if settings.training.train_from == "base" else champion
    dtype, name, chat = settings.model.dtype, settings.model.name, settings.sampling.chat
    held_out = data["sft_held_out"], data["pairs_held_out"]
    sft = record_stage(
        train(
            context,
            "sft",
            start,
            data["sft"],
            held_out[0],
            dtype,
            name,
            settings.training,
            chat,
            context.seed,
        )
    )
    dpo = record_stage(
        train(
            context,
            "dpo",
            sft.models["model"],
            data["pairs"],
            held_out[1],
            dtype,
            name,
            settings.training,
            chat,
            context.seed,
        )
    )
    candidate = dpo.models["model"]

    # 7. Gate: the same problems again, and the decision; promotion is the last thing that happens.
    back_to_base = False
    if candidate.digest == start.digest:
        trained = [stage.statistics_as(TrainingStatistics).skipped is None for stage in (sft, dpo)]
        gate = hold_unchanged(any(trained))
    else:
        after = evaluate_model(
            context, "after", candidate, labelled["scored"], labelled["limits"], settings, audited=audited
        )
        for stage in after.stages:
            record_stage(stage)
        gate = record_stage(
            promote(
                context,
                before.scores.tables["scores"],
                after.scores.tables["scores"],
                settings.evaluation.metrics,
                settings.gate,
            )
        ).statistics_as(GateStatistics)
        if gate.decision == "promote" and needs_baseline_check(
            workspace, base, context.iteration, settings.gate
        ):
            stage_count.total += BASELINE_CHECK
            gate, back_to_base = _baseline_check(
                context, base, candidate, labelled["dev"], labelled["limits"], settings, gate
            )
    report = report_of(
        context, settings, list(stages.values()), gate, back_to_base, base, champion, candidate
    )
    workspace.finish(context.iteration, report)
    if removed := prune_models(workspace, settings.training.keep_models, base):
        log_progress(f"training.keep_models: removed {', '.join(map(str, removed))}")
    publish(report)
    return report


def _judge(
    context: IterationContext,
    iteration: int,
    self_play: SelfPlay,
    settings: IterationSettings,
    label: str = "",
) -> Judged:
    """From an iteration's executed samples to training rows, each with the ids of its sources."""
    labelled, samples = context.labelled(label), self_play.samples
    agreed = agree(labelled, samples, settings.agreement, self_play.with_reference)
    decisions = agreed.tables["decisions"]

    # Mutants of the winners: a suite that rejects neither a losing solution nor one of them tests nothing.
    mutants = mutate(labelled, samples.solutions, decisions, settings.preferences.mutants, context.seed)
    executed = execute(
        context.labelled(stage_label("mutants", label)),
        samples.problems,
        mutants.tables["mutants"],
        samples.suites,
        settings.sandbox.for_mutants(),
    )
    rows = prefer(
        labelled,
        samples,
        executed.tables["behaviours"],
        decisions,
        self_play.sampling,
        settings.preferences,
        context.seed,
    )
    iteration_rows = IterationRows(
        iteration, samples.problems, decisions, rows.tables["sft"], rows.tables["pairs"]
    )
    return Judged((agreed, mutants, executed, rows), iteration_rows)


def _baseline_check(
    context: IterationContext,
    base: ModelRef,
    candidate: ModelRef,
    dev: Ref,
    limits: Ref,
    settings: IterationSettings,
    gate: GateStatistics,
) -> tuple[GateStatistics, bool]:
    """The gate again, against the base on fresh samples of dev: gains that were noise end here. Also says
    whether the base is champion again."""
    fresh = f"{EVALUATION_SEED}/{context.iteration}"
    old, new = (
        evaluate_model(context, label, model, dev, limits, settings, fresh, "dev").scores.tables["scores"]
        for label, model in (("base", base), ("again", candidate))
    )
    meeting = promote(
        context.labelled("against-base"), old, new, settings.evaluation.metrics, settings.gate
    ).statistics_as(GateStatistics)
    reason = f"{gate.reason}; against the base, on fresh samples: {meeting.reason}"
    decided = gate.model_copy(update={"decision": meeting.decision, "reason": reason})
    return decided, meeting.decision == "roll back"
