"""Small reports for tests: an iteration in which nothing was counted, but for what a test says."""

from __future__ import annotations

from typing import Any

from flows.reports.report import IterationStages, Report
from tasks.datasets.collection import CollectionStatistics, RowStatistics
from tasks.datasets.preferences import PreferenceStatistics
from tasks.evaluation.candidates import CandidateStatistics
from tasks.evaluation.evaluation_set import EvaluationSetStatistics
from tasks.evaluation.negatives import NegativeStatistics
from tasks.evaluation.scoring import ScoreStatistics
from tasks.execution.step import ExecutionStatistics
from tasks.filtering.agreement import AgreementStatistics
from tasks.generation.problems import ProblemStatistics
from tasks.generation.sampling import SamplingStatistics
from tasks.mutation.step import MutationStatistics
from tasks.pipeline.finished import GateDecision, IterationResult
from tasks.pipeline.statistics import Figures, Statistics
from tasks.pipeline.workspace import ModelRef
from tasks.training.step import TrainingStatistics

BASE = ModelRef("/base", "b", "base model")


def model(number: int) -> ModelRef:
    """The model that iteration `number` left."""
    return ModelRef(f"m{number}", f"digest{number}", f"model {number}")


def result(number: int, decision: GateDecision, back_to_base: bool = False) -> IterationResult:
    """An iteration from the base model that was decided so."""
    return IterationResult(
        iteration=number,
        base_digest=BASE.digest,
        champion=BASE,
        candidate=model(number),
        decision=decision,
        reason="",
        back_to_base=back_to_base,
        differences={},
        filter_version=0,
    )


def nothing(kind: type[Figures], **counted: Any) -> Any:
    """Statistics in which nothing was counted but this."""
    empty: dict[str, Any] = {
        name: _empty(str(field.annotation))
        for name, field in kind.model_fields.items()
        if field.is_required()
    }
    return kind(**{**empty, **counted})


def _empty(annotation: str) -> Any:
    if annotation.startswith("dict"):
        return {}
    return [] if annotation.startswith("list") else "" if annotation == "<class 'str'>" else 0


def report(
    number: int = 1, decision: GateDecision = "hold", stages: dict[str, Statistics] | None = None
) -> Report:
    """The report of an iteration that was decided so; `stages` replace those in which nothing was counted."""
    rows = nothing(RowStatistics)
    empty = {
        "evaluation_set": nothing(EvaluationSetStatistics),
        "propose": nothing(ProblemStatistics),
        **dict.fromkeys(("sample_self_play", "sample_before"), nothing(SamplingStatistics)),
        **{
            f"execute_{label}": nothing(ExecutionStatistics)
            for label in ("before", "candidates", "before_pool", "self_play", "mutants")
        },
        "candidates": nothing(CandidateStatistics),
        "negatives": nothing(NegativeStatistics),
        "score_before": nothing(ScoreStatistics),
        "agree": nothing(AgreementStatistics),
        "mutate": nothing(MutationStatistics),
        "prefer": nothing(PreferenceStatistics),
        "collect": CollectionStatistics(sft=rows, pairs=rows, lengths={}),
        **dict.fromkeys(("train_sft", "train_dpo"), TrainingStatistics(skipped="0 rows", rows_used=0)),
    }
    return Report(
        **dict(result(number, decision)),
        workspace="w",
        folder="w/iterations/0001",
        rule="consensus",
        stages=IterationStages(**{**empty, **(stages or {})}),
        reused=[],
    )
