"""SFT, then DPO with an SFT term: rows of this and earlier iterations -> a full checkpoint.

DPO is Rafailov et al. 2023 (arXiv 2305.18290); the SFT term beside it is that of RPO, Pang et al. 2024 (arXiv
2404.19733), which keeps the chosen side likely.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from tasks.core.rows import Pair, SftRow
from tasks.models.chat_format import VERSION as FORMAT_VERSION
from tasks.models.resolve import model_digest
from tasks.pipeline import artifacts
from tasks.pipeline.plots import Panel, Point, markdown_image, png_of
from tasks.pipeline.stage import log_progress, stage
from tasks.pipeline.stage_name import StageName, stage_label
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import ModelRef, Ref, Stage
from tasks.settings.format import FormatSettings
from tasks.settings.model import Dtype
from tasks.settings.training import TrainingSettings
from tasks.training.process import TrainingResult, finished_training, run_training

Curve = tuple[tuple[int, float], ...]
RECORDS: dict[str, type[SftRow] | type[Pair]] = {"sft": SftRow, "dpo": Pair}


def write_rows(path: Path, rows: Sequence[SftRow | Pair]) -> None:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows))


class TrainingStatistics(Statistics):
    """How a training went. Curves are points (step, value); those of rewards are DPO's."""

    kind: Literal["train"] = "train"
    skipped: str | None = Field(default=None, description="Why nothing was trained.")
    steps: int | None = Field(default=None, description="Optimizer steps.")
    rows_used: int = Field(description="Rows that were trained on.")
    rows_too_long: int | None = Field(default=None, description="Rows with more tokens than fit.")
    loss_first: float | None = Field(default=None, description="Loss of the first step's rows.")
    loss_last: float | None = Field(default=None, description="Loss of the last step's rows.")
    losses: Curve | None = Field(default=None, description="Loss over steps.")
    seconds: float | None = Field(default=None, description="Wall time of the training.")
    peak_memory_mb: int | None = Field(default=None, description="Most memory that its process took.")
    peak_gpu_mb: int | None = Field(default=None, description="Most memory that it took on a GPU.")
    held_out: Curve | None = Field(default=None, description="Loss of held-out rows over steps.")
    best_step: int | None = Field(default=None, description="The step with the lowest held-out loss, kept.")
    reward_margin_last: float | None = Field(default=None, description="Reward margin of the last step.")
    margins: Curve | None = Field(default=None, description="Reward of chosen less that of rejected.")
    held_out_margins: Curve | None = Field(default=None, description="The same of held-out pairs.")
    held_out_accuracies: Curve | None = Field(
        default=None, description="Share of held-out pairs whose chosen side has the higher reward."
    )


def statistics_of(result: TrainingResult) -> TrainingStatistics:
    """What a report shows of a training that ran."""
    losses = [loss for _, loss in result.losses]
    return TrainingStatistics(
        steps=result.steps,
        rows_used=result.rows_used,
        rows_too_long=result.rows_too_long,
        loss_first=losses[0] if losses else None,
        loss_last=losses[-1] if losses else None,
        losses=result.losses,
        seconds=round(result.seconds, 1),
        peak_memory_mb=round(result.memory_mb),
        peak_gpu_mb=round(result.gpu_mb) if result.gpu_mb else None,
        held_out=result.held_out or None,
        best_step=result.best_step if result.held_out else None,
        reward_margin_last=result.margins[-1][1] if result.margins else None,
        margins=result.margins or None,
        held_out_margins=result.held_out_margins if result.margins else None,
        held_out_accuracies=result.held_out_accuracies if result.margins else None,
    )


def panels_of(result: TrainingResult, rows: Sequence[SftRow | Pair]) -> list[Panel]:
    """Losses, for DPO the reward margins, and how long the texts are that were trained on."""

    def line(points: Sequence[tuple[int, float]]) -> list[Point]:
        return [(float(x), y, y, y) for x, y in points]

    def sizes(texts: Sequence[str]) -> list[Point]:
        return line(list(enumerate(sorted(map(len, texts)))))

    pairs = [row for row in rows if isinstance(row, Pair)]
    texts = {
        "completions": [row.completion for row in rows if isinstance(row, SftRow)],
        "chosen": [pair.chosen for pair in pairs],
        "rejected": [pair.rejected for pair in pairs],
    }
    losses = {"trained on": line(result.losses), "held out": line(result.held_out)}
    rewards = {
        "margin": line(result.margins),
        "share in order": line(result.accuracies),
        "margin, held out": line(result.held_out_margins),
        "share in order, held out": line(result.held_out_accuracies),
    }
    return [
        Panel("Loss", "step", "loss", losses),
        Panel("Rewards of chosen over rejected", "step", "margin; share of pairs in order", rewards),
        Panel("Lengths", "rows, shortest first", "characters", {k: sizes(v) for k, v in texts.items()}),
    ]


@stage(
    StageName.TRAIN,
    3,
    constants={"chat_format": FORMAT_VERSION},
    label_from="objective",
    not_in_key={"base_name": "only the model card says it: a base model that was moved is the same model"},
)
def train(
    stage: Stage,
    objective: Literal["sft", "dpo"],
    model: ModelRef,
    rows: Ref,
    held_out: Ref,
    dtype: Dtype,
    base_name: str,
    settings: TrainingSettings,
    chat: FormatSettings,
    seed: int,
) -> None:
    """Train from `model`; rows held out stop it early. With fewer rows than `min_rows` the stage is skipped:
    it leaves `model` itself."""
    all_rows: list[SftRow | Pair] = list(stage.read(rows, RECORDS[objective]))
    if len(all_rows) < settings.min_rows:
        stage.models["model"] = model
        skipped = f"{len(all_rows)} rows, {settings.min_rows} wanted"
        stage.statistics = TrainingStatistics(skipped=skipped, rows_used=0)
        return
    rows_file = stage.folder / "rows.jsonl"
    write_rows(rows_file, all_rows)
    held_out_file = stage.folder / "held_out.jsonl"
    write_rows(held_out_file, list(stage.read(held_out, RECORDS[objective])))
    out = stage.folder / "model"
    result = finished_training(out) or run_training(
        objective,
        stage.path(model),
        rows_file,
        out,
        settings,
        dtype,
        seed,
        stage.folder / "training.log",
        log_progress,
        base_model=base_name,
        held_out_file=held_out_file if held_out.rows else None,
        chat=chat,
    )
    chart = png_of(panels_of(result, all_rows))
    (stage.folder / "training.png").write_bytes(chart)
    artifacts.publish_curves(
        stage_label(StageName.TRAIN, objective), markdown_image(chart, "training curves")
    )
    stage.add_model("model", out, model_digest(out), f"{objective} on {result.rows_used} rows")
    stage.statistics = statistics_of(result)
