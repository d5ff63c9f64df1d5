"""SFT, then DPO with an SFT term: rows of this and earlier iterations -> a full checkpoint."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tasks.engines.trainer import TrainingResult, run_training
from tasks.models import model_digest
from tasks.records import Pair, SftRow
from tasks.settings import TrainingSettings
from tasks.stages import Turn, run_stage, say, step
from tasks.workspace import ModelRef, Ref, Stage, StageResult

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
    if result.margins:
        facts["reward_margin_last"] = result.margins[-1][1]
        facts["margins"] = [list(point) for point in result.margins]
    return facts


@step("train")
def train(
    turn: Turn,
    method: Literal["sft", "dpo"],
    start: ModelRef,
    rows: Ref,
    base_name: str,
    dtype: Literal["float32", "bfloat16"],
    settings: TrainingSettings,
) -> StageResult:
    """Train from `start`. With fewer rows than `min_rows` the stage is skipped: it leaves `start` itself."""
    workspace = turn.workspace

    def compute(stage: Stage) -> None:
        all_rows: list[SftRow | Pair] = list(workspace.read(rows, RECORDS[method]))
        if len(all_rows) < settings.min_rows:
            stage.models["model"] = start
            stage.facts.update(skipped=f"{len(all_rows)} rows, {settings.min_rows} wanted", rows_used=0)
            return
        rows_file = stage.folder / "rows.jsonl"
        write_rows(rows_file, all_rows)
        out = stage.folder / "model"
        result = run_training(
            method,
            workspace.path(start),
            rows_file,
            out,
            settings,
            dtype,
            turn.seed,
            stage.folder / "training.log",
            say,
            base_model=base_name,
        )
        stage.models["model"] = ModelRef(
            str(out.relative_to(workspace.root)), model_digest(out), f"{method} on {result.rows_used} rows"
        )
        stage.facts.update(facts_of(result))

    inputs: dict[str, Ref | ModelRef | str] = {"model": start, "rows": rows}
    plain = {**settings.model_dump(), "dtype": dtype, "seed": turn.seed}
    return run_stage(turn, f"train-{method}", 1, inputs, plain, compute)
