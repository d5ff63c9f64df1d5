"""Score a model on the benchmarks: the same tasks as self-play, over problems that carry gold."""

from __future__ import annotations

from dataclasses import dataclass

from prefect import flow

from flows.runtime.crashed_runs import track_flow_run
from flows.runtime.evaluations import EvaluationRecord, model_named, record_evaluation, title_of
from flows.runtime.given import settings_given
from flows.runtime.run_names import evaluation_name, rename
from tasks.benchmarks.base import Selection
from tasks.benchmarks.registry import limits_for
from tasks.evaluation.candidates import candidates
from tasks.evaluation.evaluation_set import evaluation_set
from tasks.evaluation.negatives import negatives
from tasks.evaluation.scoring import AuditSamples, score
from tasks.execution.problem_data import SampleRefs
from tasks.execution.step import execute
from tasks.generation.format_checks import check_format
from tasks.generation.sampling import sample, split_sample_budget
from tasks.inference.engines import close_shared_sampler
from tasks.models.base import base_model
from tasks.pipeline.stage import IterationContext, StageCount, log_progress
from tasks.pipeline.stage_name import StageName, stage_label
from tasks.pipeline.workspace import ModelRef, Ref, StageResult, Workspace
from tasks.settings.agreement import AgreementSettings
from tasks.settings.iteration import IterationSettings

EVALUATION_SEED = "1234"
MODEL_STAGES = 7
"""Samples, their execution, candidates, theirs, the pool, its execution, scores."""
STAGES = 1 + MODEL_STAGES
"""The labelled problems first."""


def self_play_stream(settings: IterationSettings, iteration: int) -> str:
    """The seed of an iteration's self-play samples."""
    return f"self-play/{settings.seed}/{iteration}"


def evaluation_stream(seed: str, model: ModelRef) -> str:
    """The seed of a model's samples on labelled problems: no other model's, or the votes of the base would be
    copies of the champion's (models that are near each other answer one seed with one text), and none of
    self-play's."""
    return f"evaluation/{seed}/{model.digest}"


@dataclass(frozen=True)
class Scored:
    """An evaluation: all its stages, the one with the scores last."""

    stages: tuple[StageResult, ...]

    @property
    def scores(self) -> StageResult:
        return self.stages[-1]


@dataclass(frozen=True)
class AuditConfig:
    """What the filter is audited on: labelled dev problems, with the base model as the reference model."""

    base: ModelRef
    dev: Ref


def uses_reference_model(settings: IterationSettings) -> bool:
    """Whether the base model is the reference: it gets a share of the solutions, and the rule counts its
    votes."""
    _, reference = split_sample_budget(settings.sampling)
    return settings.agreement.rule == "consensus" and reference.solutions > 0


def reference_of(champion: ModelRef, base: ModelRef, settings: IterationSettings) -> ModelRef | None:
    """The base model where it is asked beside the champion, which is another one."""
    return base if uses_reference_model(settings) and champion.digest != base.digest else None


def audit_sample_counts(settings: IterationSettings) -> tuple[int, int]:
    """How many solutions of each model the audit takes of those drawn for scores, as self-play mixes them."""
    policy, reference = (asked.solutions for asked in split_sample_budget(settings.sampling))
    scale = min(1.0, settings.evaluation.solutions / max(policy, reference))
    return round(policy * scale), max(1, round(reference * scale))


def audit_rule(settings: IterationSettings, solutions: int) -> AgreementSettings:
    """The filter as the audit judges it: votes in proportion, as evaluation draws fewer samples."""
    share = solutions / settings.sampling.solutions
    votes = max(2, round(settings.agreement.min_votes * share))
    return settings.agreement.model_copy(update={"min_votes": votes})


def labelled_problems(context: IterationContext, settings: IterationSettings) -> StageResult:
    """The labelled problems that models are scored on, and those that self-play must not see."""
    asked = settings.evaluation
    selection = Selection(asked.livecodebench_from, asked.livecodebench_to, asked.livecodebench_release)
    return evaluation_set(context, asked.benchmarks, selection, asked.max_problems, settings.sandbox)


def evaluate_model(
    context: IterationContext,
    label: str,
    model: ModelRef,
    problems: Ref,
    limits: Ref,
    settings: IterationSettings,
    seed: str = EVALUATION_SEED,
    part: str = "",
    audited: AuditConfig | None = None,
) -> Scored:
    """Sample, execute within the problems' `limits`, and score, the tests against the workspace's pool of
    negatives; of `part` of the problems, if that is all. The filter is audited as self-play applies it, with
    the base model's solutions where this is another model (`audited`).

    The seed is the same in every iteration: a champion's scores are found again by their key instead of being
    drawn again. Each model has a stream of its own (`evaluation_stream`); differences are paired by problem.
    """
    evaluation = settings.evaluation
    sampling = settings.sampling.model_copy(
        update={
            "solutions": evaluation.solutions,
            "suites": evaluation.suites,
            "temperature": evaluation.temperature,
            # pass@k is of one distribution.
            "low_temperature_share": 0.0,
            "reference_share": 0.0,
        }
    )
    dtype, engine = settings.model.dtype, settings.engine
    stream = evaluation_stream(seed, model)
    native = evaluation.native_tokens if evaluation.prompt == "native" else 0
    samples = sample(
        context.labelled(label), model, problems, dtype, engine, sampling, stream, native_tokens=native
    )
    suites = samples.tables["suites"]
    sandbox = limits_for(evaluation.benchmarks, settings.sandbox)
    labelled = context.labelled(label)
    behaviours = execute(labelled, problems, samples.tables["solutions"], suites, sandbox, limits)
    solutions_audited = evaluation.solutions
    reference_stages: tuple[StageResult, ...] = ()
    audit_samples = None
    if audited and (reference := reference_of(model, audited.base, settings)):
        beside = context.labelled(f"{label}-reference")
        # Of all problems, though dev is all that is audited: these samples are the base's own scores', and so
        # are found again by their key.
        stream = evaluation_stream(seed, reference)
        answers = sample(beside, reference, problems, dtype, engine, sampling, stream, native_tokens=native)
        solutions = answers.tables["solutions"]
        answered = execute(beside, audited.dev, solutions, suites, sandbox, limits)
        policy_count, reference_count = audit_sample_counts(settings)
        solutions_audited, reference_stages = policy_count + reference_count, (answers, answered)
        audit_samples = AuditSamples(
            answers.tables["samples"], solutions, answered.tables["behaviours"], policy_count, reference_count
        )
    scored = SampleRefs(
        problems,
        samples.tables["samples"],
        samples.tables["solutions"],
        suites,
        behaviours.tables["behaviours"],
    )
    pool_stages = pool_of_negatives(context, scored, limits, settings, part)
    pool = pool_stages[-1].tables["pool"]
    met_pool = execute(context.labelled(f"{label}-pool"), problems, pool, suites, sandbox, limits)
    scores = score(
        labelled,
        scored,
        pool,
        met_pool.tables["behaviours"],
        audit_rule(settings, solutions_audited),
        evaluation.metrics,
        audit_samples,
    )
    return Scored((samples, behaviours, *reference_stages, *pool_stages, met_pool, scores))


def pool_of_negatives(
    context: IterationContext, scored: SampleRefs, limits: Ref, settings: IterationSettings, part: str
) -> tuple[StageResult, ...]:
    """The stages that make the workspace's pool of known-wrong solutions, the pool's own last.

    The first model that is scored adds its wrong samples; for every later one all of this is found again.
    """
    problems, count = scored.problems, settings.evaluation.negatives
    labelled = context.labelled(part)
    proposed = candidates(labelled, problems, limits, count)
    programs, gold_suites = proposed.tables["candidates"], proposed.tables["suites"]
    sandbox = limits_for(settings.evaluation.benchmarks, settings.sandbox)
    labels = execute(
        context.labelled(stage_label(StageName.CANDIDATES, part)),
        problems,
        programs,
        gold_suites,
        sandbox,
        proposed.tables["limits"],
    )
    pool = negatives(labelled, problems, programs, gold_suites, labels.tables["behaviours"], scored, count)
    return proposed, labels, pool


@flow(name="evaluation", flow_run_name=evaluation_name, log_prints=True, validate_parameters=False)
def evaluation(settings: IterationSettings) -> EvaluationRecord:
    """Score `settings.model` on `settings.evaluation.benchmarks`, outside any iteration (folder 0000).

    Its name may be an iteration's number or `champion`. Returns the record that the workspace keeps.
    """
    settings = settings_given(settings)
    workspace = Workspace(settings.workspace)
    name, _ = model_named(settings.model.name, settings.workspace)
    settings = settings.model_copy(update={"model": settings.model.model_copy(update={"name": name})})
    context = IterationContext(str(workspace.root), 0, settings.seed, StageCount(STAGES))
    try:
        with workspace.lock(f"an evaluation of {settings.model.name}"), track_flow_run(workspace.root):
            model = base_model(settings.model)
            log_progress(check_format(workspace.path(model), settings.sampling))
            title = title_of(workspace, model)
            log_progress(f"evaluating {title}: {model.path}")
            rename(workspace.root, f"evaluation of {title}")
            labels = labelled_problems(context, settings)
            labelled = labels.tables
            scored = evaluate_model(
                context, "evaluation", model, labelled["scored"], labelled["limits"], settings
            )
            return record_evaluation(workspace, model, [labels, *scored.stages], settings)
    finally:
        close_shared_sampler()
