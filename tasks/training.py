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
from tasks.workspace import ModelRef, Ref, Stage, StageResult, Workspace

TABLES: dict[str, tuple[str, type[SftRow] | type[Pair]]] = {"sft": ("sft", SftRow), "dpo": ("pairs", Pair)}


def history(workspace: Workspace, iteration: int, table: str, depth: int) -> list[Ref]:
    """That table of the last `depth` finished iterations whose model was not rolled back, oldest first."""
    refs = []
    for number in [n for n in workspace.iterations() if n < iteration][-depth:] if depth else []:
        manifest = workspace.manifest(number)
        finished = manifest["finished"] or {}
        if not finished or finished.get("decision") == "roll back":
            continue
        for entry in manifest["stages"].values():
            if entry["stage"] == "prefer" and entry["tables"][table]["rows"]:
                refs.append(Ref(**entry["tables"][table]))
    return refs


def write_rows(path: Path, rows: Sequence[SftRow | Pair]) -> None:
    """Rows as JSON lines, one of each id (the newest wins)."""
    latest = {row.row_id: row for row in rows}
    path.write_text("".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in latest.values()))


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
    table, record = TABLES[method]
    tables = [*history(workspace, turn.iteration, table, settings.history), rows]

    def compute(stage: Stage) -> None:
        all_rows: list[SftRow | Pair] = [row for ref in tables for row in workspace.read(ref, record)]
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
        stage.facts.update(facts_of(result), earlier_iterations=len(tables) - 1)

    inputs: dict[str, Ref | ModelRef | str] = {"model": start}
    inputs |= {f"rows{index}": ref for index, ref in enumerate(tables)}
    plain = {**settings.model_dump(), "dtype": dtype, "seed": turn.seed}
    return run_stage(turn, f"train-{method}", 1, inputs, plain, compute)
