"""How many stages a run has, so that each can say which of them it is."""

from __future__ import annotations

from collections.abc import Sequence

from flows.evaluation import MODEL_STAGES, uses_reference_model
from tasks.datasets.collection import PastIteration
from tasks.settings.iteration import IterationSettings

# The base model's samples beside another model's, and their execution.
_REFERENCE = 2
# Agreement, mutants, their execution, rows.
_JUDGING = 4
# Both models on dev, and the second decision.
BASELINE_CHECK = 2 * MODEL_STAGES + 1


def stages_of_iteration(
    settings: IterationSettings, champion_is_base: bool, past: Sequence[PastIteration]
) -> int:
    """The stages of an iteration whose training leaves a new model and whose gate does not ask the base."""
    reference = _REFERENCE if uses_reference_model(settings) else 0
    before = MODEL_STAGES + (0 if champion_is_base else reference)
    again = sum(not iteration.judged_by(settings) for iteration in past)
    labelled, problems, samples, executed, collected, training, gate = 1, 1, 1, 1, 1, 2, 1
    return (
        (labelled + problems + samples + before + executed)
        + _JUDGING * (1 + again)
        + (collected + training + MODEL_STAGES + reference + gate)
    )
