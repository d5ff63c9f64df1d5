"""What parent and child of a training process share: the job, and the rules that need no library."""

from __future__ import annotations

import errno
import json
import math
import shutil
import signal
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tasks.core.errors import FlywheelError
from tasks.settings.training import TrainingSettings
from tasks.training.token_rows import Objective

TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a child needs; paths are absolute. `held_out` is "" where no rows are held out; `chat` holds
    the settings of the chat format."""

    stage: Objective
    model: str
    rows: str
    held_out: str
    checkpoint: str
    events: str
    base_model: str
    dtype: Literal["float32", "bfloat16", "float16"]
    seed: int
    settings: dict[str, Any]
    chat: dict[str, Any] = field(default_factory=lambda: {"format": "smollm-demo"})


def micro_batch(batch_size: int, limit: int) -> int:
    """The largest micro batch up to `limit` that divides `batch_size`, so that a step is exactly a batch."""
    return max(size for size in range(1, min(batch_size, limit) + 1) if batch_size % size == 0)


def look_batch(rows: int, processes: int, limit: int) -> int:
    """Held-out rows a forward pass, so that several processes look at every row once.

    One process takes what is left in a smaller batch; several repeat rows to fill one, and leave
    repeated rows out only of batches that hold a single row each.
    """
    if processes == 1:
        return limit
    return micro_batch(rows // processes, limit) if rows % processes == 0 else 1


def repeated_rows(rows: int, micro: int, processes: int) -> int:
    """Rows that an epoch takes twice, so that each process has as many whole micro batches as the others."""
    return 0 if processes == 1 else -rows % (micro * processes)


class Diverged(FlywheelError):  # noqa: N818 (what happened, not what is wrong with the call)
    """A run whose loss left all bounds."""


def check_health(losses: Sequence[float], grad_norm: float) -> None:
    """Stop a run that broke.

    Raises:
        Diverged: a loss or gradient is not finite, or the mean of the last three losses is far above
            the first loss.
    """
    step = len(losses)
    if not (math.isfinite(losses[-1]) and math.isfinite(grad_norm)):
        raise Diverged(
            f"training broke at step {step}: loss {losses[-1]}, gradient norm {grad_norm}; "
            "lower the learning rate, or compute in float32"
        )
    recent = sum(losses[-3:]) / 3
    if step > 3 and recent > 3 * losses[0] + 1:
        raise Diverged(
            f"training diverges: loss {losses[0]:.3g} at the start, {recent:.3g} around step {step}; "
            "lower the learning rate"
        )


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of the Trainer, which writes its state last; half ones are removed."""
    found: list[tuple[int, Path]] = []
    for path in folder.glob("checkpoint-*"):
        try:
            found.append((int(json.loads((path / "trainer_state.json").read_text())["global_step"]), path))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path, ignore_errors=True)
    return max(found)[1] if found else None


def explain(error: BaseException) -> str:
    """The cause of a failure in one sentence; "" when only the traceback in the log can tell."""
    if isinstance(error, FlywheelError):
        return str(error)
    text = str(error)
    # safetensors has an error type of its own, which carries no errno.
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left on device" in text:
        return "the disk is full: free space, or move the workspace"
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return "out of memory: lower micro_batch_size or max_length, or train with method lora"
    return ""


def explain_signal(number: int) -> str:
    """The likely cause of a process that a signal ended."""
    if number == signal.SIGKILL:
        return (
            "its process was killed by SIGKILL, as the kernel does when memory runs out: "
            "lower micro_batch_size or max_length, or train with method lora"
        )
    return f"its process was ended by {signal.Signals(number).name}"


def failure_event(error: BaseException, rank: int, processes: int) -> dict[str, Any]:
    """What a process says of the error that ends it: `error` in one sentence or "", and its traceback's end.

    Of several processes it names itself, since the others fail right after, of a connection that it closed.
    """
    name = f"process {rank + 1} of {processes}: " if processes > 1 else ""
    cause = explain(error)
    trace = "".join(traceback.format_exception(error)).rstrip().splitlines()[-TAIL_LINES:]
    return {
        "error": name + cause if cause else "",
        "trace": "\n".join([f"{name}{type(error).__name__}: {error}", *trace] if name else trace),
        "diverged": isinstance(error, Diverged),
    }


def step_count(rows: int, batch_size: int, epochs: float) -> int:
    """Steps of a run; the last step of an epoch may hold fewer rows than a batch."""
    return math.ceil(epochs * math.ceil(rows / batch_size))


def warmup_steps(steps: int) -> int:
    """A tenth of the steps; none in a short run, since the first step of a warmup has learning rate 0."""
    return steps // 10 if steps >= 20 else 0


def model_card(job: Job, rows: int, too_long: int, steps: int, versions: dict[str, str]) -> str:
    """The README of a checkpoint, in Hugging Face's format. Holds no clock: equal runs give equal files."""
    settings = TrainingSettings(**job.settings)
    dpo = job.stage == "dpo"
    return "\n".join(
        [
            "---",
            f"base_model: {json.dumps(job.base_model)}",
            "library_name: transformers",
            "pipeline_tag: text-generation",
            f"tags: [solver-verifier-flywheel, {job.stage}]",
            "---",
            f"# {Path(job.base_model).name}: solver and verifier, {job.stage.upper()}",
            "",
            "Trained by the solver-verifier flywheel on code and tests that the model wrote itself and that",
            "agreed when they were executed.",
            "",
            f"- Base model: {job.base_model}",
            f"- Parent checkpoint: {Path(job.model).name}",
            f"- Rows: {rows} (dropped as too long: {too_long}), steps: {steps}, seed: {job.seed}",
            f"- Method: {settings.method}, computed in {job.dtype}, stored in float32",
            f"- Learning rate: {settings.dpo_learning_rate if dpo else settings.sft_learning_rate}, "
            f"epochs: {settings.dpo_epochs if dpo else settings.sft_epochs}, batch: {settings.batch_size}",
            *([f"- beta: {settings.dpo_beta}, SFT term: {settings.dpo_sft_weight}"] if dpo else []),
            f"- Software: {', '.join(f'{name} {version}' for name, version in versions.items())}",
            "",
        ]
    )
