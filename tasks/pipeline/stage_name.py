"""The names of the stages: one a step, which manifests, reports and the Prefect UI call it by."""

from __future__ import annotations

from enum import StrEnum


class StageName(StrEnum):
    """What a manifest calls a stage, before its label (`stage_label`)."""

    EVALUATION_SET = "evaluation-set"
    PROPOSE = "propose"
    SAMPLE = "sample"
    EXECUTE = "execute"
    AGREE = "agree"
    MUTATE = "mutate"
    PREFER = "prefer"
    COLLECT = "collect"
    TRAIN = "train"
    CANDIDATES = "candidates"
    NEGATIVES = "negatives"
    SCORE = "score"
    PROMOTE = "promote"


def stage_label(name: str, label: str) -> str:
    """`execute-before`, or `execute` without a label."""
    return f"{name}-{label}" if label else str(name)
