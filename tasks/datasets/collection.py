"""The training set of an iteration: rows of this and earlier iterations, judged by one filter, guarded,
split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field

from tasks.core.records import Problem
from tasks.core.rows import Decision, Dropped, Pair, SftRow
from tasks.datasets.row_filters import PAIRED, RowSelection, good_text, hold_out, prefers_shorter, select
from tasks.execution.problem_data import SampleRefs
from tasks.filtering.decide import FILTER_VERSION, disputed
from tasks.generation.decontamination import Contamination
from tasks.generation.diversity import is_one_liner
from tasks.pipeline.finished import finished
from tasks.pipeline.stage import stage
from tasks.pipeline.stage_name import StageName, stage_label
from tasks.pipeline.statistics import Figures, Statistics
from tasks.pipeline.workspace import ModelRef, Ref, Stage, Workspace
from tasks.settings.iteration import IterationSettings
from tasks.settings.rows import RowSettings
from tasks.settings.sampling import SamplingSettings

SELF_PLAY = "self-play"
"""The label of the stages that sample and execute an iteration's own problems."""


@dataclass(frozen=True)
class IterationRows:
    """What one iteration gives to training: problems, its filter's decisions, and the rows made of them."""

    iteration: int
    problems: Ref
    decisions: Ref
    sft: Ref
    pairs: Ref


@dataclass(frozen=True)
class SelfPlay:
    """What the model wrote on an iteration's problems, executed, and how it was asked; `with_reference`: part
    of the solutions was asked of the base model."""

    samples: SampleRefs
    sampling: SamplingSettings
    with_reference: bool


@dataclass(frozen=True)
class PastIteration:
    """A finished iteration: its samples, its rows, and the settings that made the ones of the others."""

    self_play: SelfPlay
    iteration_rows: IterationRows
    settings: dict[str, Any]
    filter_version: int

    def judged_by(self, current: IterationSettings) -> bool:
        """Whether its rows are what this program with the current settings would make of its samples."""
        plain = current.model_dump(mode="json", include={"agreement", "preferences"})
        same = all(self.settings[part] == plain[part] for part in plain)
        return same and self.filter_version == FILTER_VERSION


def past_iterations(
    workspace: Workspace,
    base: ModelRef,
    iteration: int,
    settings: RowSettings,
    need_reference: bool,
) -> list[PastIteration]:
    """The last `replay_iterations` finished iterations from the same base before this one, oldest first.

    A rolled-back iteration's rows stay in the workspace; they are trained on only when asked. With
    `need_reference`, iterations of another model than the base whose winners no reference model confirmed are
    left out too.
    """
    iterations = []
    for number in [n for n in workspace.iterations() if 0 < n < iteration]:
        result = finished(workspace, number)
        if result is None or result.base_digest != base.digest:
            continue
        if result.decision == "roll back" and not settings.include_rolled_back:
            continue
        stages = {stage.stage: stage for stage in workspace.stages(number)}
        sampled, executed = (
            stages[stage_label(name, SELF_PLAY)] for name in (StageName.SAMPLE, StageName.EXECUTE)
        )
        writers = sampled.inputs
        with_reference = "reference" in writers
        if need_reference and writers["model"] != base.digest and not with_reference:
            continue
        problems = stages[StageName.PROPOSE].tables["problems"]
        decisions = stages[StageName.AGREE].tables["decisions"]
        rows = stages[StageName.PREFER].tables
        settings_then = workspace.started_with(number)
        iterations.append(
            PastIteration(
                SelfPlay(
                    SampleRefs(
                        problems,
                        sampled.tables["samples"],
                        sampled.tables["solutions"],
                        sampled.tables["suites"],
                        executed.tables["behaviours"],
                    ),
                    SamplingSettings.model_validate(settings_then["sampling"]),
                    with_reference,
                ),
                IterationRows(number, problems, decisions, rows["sft"], rows["pairs"]),
                settings_then,
                result.filter_version,
            )
        )
    return iterations[-settings.replay_iterations :] if settings.replay_iterations else []


class RowStatistics(Figures):
    """Rows of one kind that are trained on."""

    roles: dict[str, int] = Field(description="Rows by role.")
    iterations: dict[str, int] = Field(description="Rows by the iteration that they come from.")
    held_out: int = Field(title="held out", description="Rows that are held out.")
    one_liners: float = Field(title="one-liners", description="Share of the solver's rows with one line.")
    dropped: dict[str, int] = Field(description="Rows that are not trained on, by reason.")


class PairLengths(Figures):
    """How long the sides of one role's pairs are."""

    chosen: float = Field(description="Mean characters of the chosen side.")
    rejected: float = Field(description="Mean characters of the rejected side.")
    chosen_is_shorter: float = Field(
        title="chosen is shorter", description="Share of pairs whose chosen side is the shorter."
    )


class CollectionStatistics(Statistics):
    """The training set of an iteration."""

    kind: Literal["collect"] = "collect"
    sft: RowStatistics = Field(description="SFT rows.")
    pairs: RowStatistics = Field(description="Pairs.")
    lengths: dict[str, PairLengths] = Field(description="Lengths of the pairs' sides by role.")


def row_statistics(selection: RowSelection[SftRow] | RowSelection[Pair]) -> RowStatistics:
    """Counts of one kind of rows: by role, by the iteration they come from, and what was dropped why."""
    solver = [row for row in selection.rows if row.role == "solver"]
    return RowStatistics(
        roles=Counter[str](row.role for row in selection.rows),
        iterations=Counter(str(row.iteration) for row in selection.rows),
        held_out=len(selection.held_out),
        one_liners=sum(is_one_liner(good_text(row)) for row in solver) / max(1, len(solver)),
        dropped=Counter(row.reason for row in selection.dropped),
    )


def pair_lengths(pairs: Sequence[Pair]) -> dict[str, PairLengths]:
    """Mean characters of both sides by role, and the share of pairs whose chosen side is the shorter."""
    by_role = {role: [pair for pair in pairs if pair.role == role] for role in PAIRED}
    return {
        role: PairLengths(
            chosen=sum(len(pair.chosen) for pair in own) / len(own),
            rejected=sum(len(pair.rejected) for pair in own) / len(own),
            chosen_is_shorter=sum(map(prefers_shorter, own)) / len(own),
        )
        for role, own in by_role.items()
        if own
    }


@stage(StageName.COLLECT, 6)
def collect(
    stage: Stage,
    rows_by_iteration: Sequence[IterationRows],
    benchmark: Ref,
    settings: RowSettings,
    iteration: int,
) -> None:
    """Rows of all iterations through the guards (`tasks.datasets.row_filters`): what is trained on in
    `iteration`, what is held out."""
    problems = {
        problem.problem_id: problem
        for iteration_rows in rows_by_iteration
        for problem in stage.read(iteration_rows.problems, Problem)
    }
    contamination = Contamination(stage.read(benchmark, Problem))
    sft = [
        replace(row, iteration=iteration_rows.iteration)
        for iteration_rows in rows_by_iteration
        for row in stage.read(iteration_rows.sft, SftRow)
    ]
    pairs = [
        replace(pair, iteration=iteration_rows.iteration)
        for iteration_rows in rows_by_iteration
        for pair in stage.read(iteration_rows.pairs, Pair)
    ]
    doubtful = disputed(
        [stage.read(iteration_rows.decisions, Decision) for iteration_rows in rows_by_iteration]
    )
    rows = select(sft, iteration, problems, contamination, settings, doubtful)
    ranked = select(pairs, iteration, problems, contamination, settings, doubtful)
    hold_out([rows, ranked], settings)
    stage.write("sft", SftRow, rows.rows)
    stage.write("pairs", Pair, ranked.rows)
    stage.write("sft_held_out", SftRow, rows.held_out)
    stage.write("pairs_held_out", Pair, ranked.held_out)
    stage.write("dropped", Dropped, [*rows.dropped, *ranked.dropped])
    stage.statistics = CollectionStatistics(
        sft=row_statistics(rows), pairs=row_statistics(ranked), lengths=pair_lengths(ranked.rows)
    )
