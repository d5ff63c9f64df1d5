"""The report of an iteration: one typed object, put together here from the stages' statistics, the gate and
the models. Everything that people read of an iteration is made from it alone.

    Report.model_validate_json(Path("iterations/0001/report.json").read_text())
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from prefect.runtime import flow_run
from pydantic import ConfigDict, Field

from tasks.core.statistics import Scores
from tasks.datasets.collection import CollectionStatistics
from tasks.datasets.preferences import PreferenceStatistics
from tasks.evaluation.candidates import CandidateStatistics
from tasks.evaluation.evaluation_set import EvaluationSetStatistics
from tasks.evaluation.gate import GateStatistics
from tasks.evaluation.negatives import NegativeStatistics
from tasks.evaluation.scoring import ScoreStatistics
from tasks.execution.step import ExecutionStatistics
from tasks.filtering.agreement import AgreementStatistics
from tasks.filtering.decide import FILTER_VERSION
from tasks.generation.problems import ProblemStatistics
from tasks.generation.sampling import SamplingStatistics
from tasks.mutation.step import MutationStatistics
from tasks.pipeline.finished import Asked, IterationResult, read_figures
from tasks.pipeline.old_manifests import todays_report
from tasks.pipeline.stage import IterationContext
from tasks.pipeline.statistics import Figures, Statistics
from tasks.pipeline.workspace import ModelRef, StageResult, Workspace
from tasks.settings.iteration import IterationSettings
from tasks.training.step import TrainingStatistics


class IterationStages(Figures):
    """The statistics of an iteration's stages, in the order they run; as JSON by their names in the manifest
    (`sample_before` is `sample-before`). None are those that an iteration may do without."""

    model_config = ConfigDict(
        alias_generator=lambda name: name.replace("_", "-"),
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    evaluation_set: EvaluationSetStatistics = Field(description="The labelled problems.")
    propose: ProblemStatistics = Field(description="The iteration's problems.")
    sample_self_play: SamplingStatistics = Field(description="Solutions and suites for them.")
    sample_before: SamplingStatistics = Field(description="The champion on the labelled problems.")
    execute_before: ExecutionStatistics = Field(description="Those samples, executed.")
    sample_before_reference: SamplingStatistics | None = Field(
        default=None, description="The base model on the labelled problems, where it is not the champion."
    )
    execute_before_reference: ExecutionStatistics | None = Field(
        default=None, description="Those samples, executed on the champion's suites."
    )
    candidates: CandidateStatistics = Field(description="Programs that may be wrong.")
    execute_candidates: ExecutionStatistics = Field(description="Those programs, executed on gold's suites.")
    negatives: NegativeStatistics = Field(description="The pool of programs that are wrong.")
    execute_before_pool: ExecutionStatistics = Field(description="The pool on the champion's suites.")
    score_before: ScoreStatistics = Field(description="The champion's scores, and the audit of the filter.")
    execute_self_play: ExecutionStatistics = Field(description="The iteration's solutions, executed.")
    agree: AgreementStatistics = Field(description="What the filter kept.")
    mutate: MutationStatistics = Field(description="Mutants of the winners.")
    execute_mutants: ExecutionStatistics = Field(description="The mutants, executed.")
    prefer: PreferenceStatistics = Field(description="The rows that kept problems give.")
    collect: CollectionStatistics = Field(description="The training set.")
    train_sft: TrainingStatistics = Field(description="SFT.")
    train_dpo: TrainingStatistics = Field(description="DPO.")
    sample_after: SamplingStatistics | None = Field(
        default=None, description="The candidate on the labelled problems, where there is a new model."
    )
    execute_after: ExecutionStatistics | None = Field(default=None, description="Those samples, executed.")
    sample_after_reference: SamplingStatistics | None = Field(
        default=None, description="The base model on the labelled problems."
    )
    execute_after_reference: ExecutionStatistics | None = Field(
        default=None, description="Those samples, executed on the candidate's suites."
    )
    execute_after_pool: ExecutionStatistics | None = Field(
        default=None, description="The pool on the candidate's suites."
    )
    score_after: ScoreStatistics | None = Field(default=None, description="The candidate's scores.")
    promote: GateStatistics | None = Field(default=None, description="The gate.")

    def by_name(self) -> Iterator[tuple[str, Statistics]]:
        """(a stage's name, its statistics) of those that ran."""
        for name, field in type(self).model_fields.items():
            if (statistics := getattr(self, name)) is not None:
                yield field.alias or name, statistics


class Report(IterationResult):
    """Everything that an iteration says about itself."""

    workspace: str = Field(description="The workspace's folder.")
    folder: str = Field(description="The iteration's folder.")
    flow_run_id: str = Field(default="", description="Prefect's id of the run that finished it.")
    rule: str = Field(description="The agreement rule.")
    asked: Asked | None = Field(default=None, description="What both models were asked for their scores.")
    stages: IterationStages = Field(description="What each stage counted.")
    reused: list[str] = Field(description="Names of the stages that this or an earlier run had computed.")

    @property
    def before(self) -> Scores:
        """The champion's scores."""
        return self.stages.score_before.scores

    @property
    def after(self) -> Scores:
        """The candidate's scores; {} without a new model."""
        return self.stages.score_after.scores if self.stages.score_after else {}


def report_of(
    context: IterationContext,
    settings: IterationSettings,
    stages: Sequence[StageResult],
    gate: GateStatistics,
    back_to_base: bool,
    base: ModelRef,
    champion: ModelRef,
    candidate: ModelRef,
) -> Report:
    """The report of an iteration that has run all these stages."""
    return Report(
        iteration=context.iteration,
        workspace=context.root,
        folder=str(context.workspace.iteration_folder(context.iteration)),
        rule=settings.agreement.rule,
        asked=Asked.of(settings.evaluation),
        base_digest=base.digest,
        filter_version=FILTER_VERSION,
        champion=champion,
        candidate=candidate,
        decision=gate.decision,
        reason=gate.reason,
        back_to_base=back_to_base,
        differences=gate.differences,
        stages=IterationStages.model_validate({stage.stage: stage.statistics for stage in stages}),
        flow_run_id=str(flow_run.id or ""),
        reused=[stage.stage for stage in stages if stage.reused],
    )


def read_report(plain: dict[str, Any], of: str) -> Report:
    """A stored report, of whichever version. Raises `FlywheelError` for one of a later version, or none."""
    return read_figures(Report, todays_report(plain), of)


def report_in(workspace: Workspace, iteration: int) -> Report | None:
    """An iteration's report; None before it is finished."""
    plain = workspace.manifest(iteration)["finished"]
    return read_report(plain, f"the report of iteration {iteration} in {workspace.root}") if plain else None
