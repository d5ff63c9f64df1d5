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

from tasks.core.records import Pair, SftRow
from tasks.models.chat_format import VERSION as FORMAT_VERSION
from tasks.models.resolve import model_digest
from tasks.pipeline import artifacts
from tasks.pipeline.plots import Panel, Point, markdown_image, png_of
from tasks.pipeline.stage import log_progress, stage
from tasks.pipeline.stage_name import StageName, stage_label
from tasks.pipeline.workspace import ModelRef, Ref, Stage
from tasks.settings.format import FormatSettings
from tasks.settings.model import Dtype
from tasks.settings.training import TrainingSettings
from tasks.training.process import TrainingResult, finished_training, run_training

RECORDS: dict[str, type[SftRow] | type[Pair]] = {"sft": SftRow, "dpo": Pair}


def write_rows(path: Path, rows: Sequence[SftRow | Pair]) -> None:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows))


def facts_of(result: TrainingResult) -> dict[str, object]:
    """What a report shows of a training stage."""
    losses = [loss for _, loss in result.losses]
    facts: dict[str, object] = {
        "steps": result.steps,
        "rows_used": result.rows_used,
        "rows_too_long": result.rows_too_long,
        "loss_first": losses[0] if losses else None,
        "loss_last": losses[-1] if losses else None,
        "losses": [list(point) for point in result.losses],
        "seconds": round(result.seconds, 1),
        "peak_memory_mb": round(result.memory_mb),
    }
    if result.gpu_mb:
        facts["peak_gpu_mb"] = round(result.gpu_mb)
    if result.held_out:
        facts["held_out"] = [list(point) for point in result.held_out]
        facts["best_step"] = result.best_step
    if result.margins:
        facts["reward_margin_last"] = result.margins[-1][1]
        facts["margins"] = [list(point) for point in result.margins]
        facts["held_out_margins"] = [list(point) for point in result.held_out_margins]
        facts["held_out_accuracies"] = [list(point) for point in result.held_out_accuracies]
    return facts


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
        stage.facts.update(skipped=f"{len(all_rows)} rows, {settings.min_rows} wanted", rows_used=0)
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
    stage.facts.update(facts_of(result))
