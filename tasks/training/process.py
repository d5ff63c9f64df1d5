"""Training: SFT on the chosen rows of both roles, then DPO with an SFT term on their pairs.

Each stage runs in a child process (`worker`): its memory returns when it ends, a crash of it fails
the task and never the flow, and it ends when its parent does. The checkpoint that it leaves is
complete (an adapter is merged) or is not there at all. Until then a hidden work folder holds the Trainer's
own checkpoints, from which the same stage goes on after a kill.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tasks.core.child_process import ChildProcess
from tasks.core.errors import FlywheelError
from tasks.settings.format import FormatSettings
from tasks.settings.training import TrainingSettings
from tasks.training.child_progress import ChildProgress
from tasks.training.job import TAIL_LINES, Job, explain_signal, last_checkpoint
from tasks.training.token_rows import Objective

_POLL_S = 0.2
_FULL_DISK = 1 << 20
# What a result holds by step: the key and the event's name for the step, and for the value.
_SERIES = {
    "losses": ("step", "loss"),
    "margins": ("step", "margin"),
    "accuracies": ("step", "accuracy"),
    "held_out": ("at", "held_out"),
    "held_out_margins": ("at", "margin"),
    "held_out_accuracies": ("at", "accuracy"),
}


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a stage did.

    `losses`, `margins` and `accuracies` are (step, value) pairs, steps from 1; the latter two are DPO's:
    the mean reward of chosen minus rejected, and the share of pairs where it is above 0. `held_out` are
    (step, loss) pairs on the rows held out, from step 0, `held_out_margins` and `held_out_accuracies` what
    DPO makes of them; `best_step` is the one whose weights were kept, None where no rows were held out.
    `memory_mb` is the peak resident memory of the child, `gpu_mb` its peak of GPU memory (0.0 on a CPU).
    """

    model: Path
    stage: Objective
    steps: int
    rows_used: int
    rows_too_long: int
    too_long: tuple[str, ...]
    losses: tuple[tuple[int, float], ...]
    margins: tuple[tuple[int, float], ...]
    accuracies: tuple[tuple[int, float], ...]
    held_out: tuple[tuple[int, float], ...]
    held_out_margins: tuple[tuple[int, float], ...]
    held_out_accuracies: tuple[tuple[int, float], ...]
    best_step: int | None
    seconds: float
    memory_mb: float
    gpu_mb: float


def run_training(
    stage: Objective,
    model: Path,
    rows_file: Path,
    out: Path,
    settings: TrainingSettings,
    dtype: Literal["float32", "bfloat16", "float16"],
    seed: int,
    log_file: Path,
    log_progress: Callable[[str], None],
    *,
    base_model: str = "",
    held_out_file: Path | None = None,
    chat: FormatSettings | None = None,
) -> TrainingResult:
    """Train `model` on the rows of a JSONL file and leave a full checkpoint folder at `out`.

    Args:
        stage: "sft" reads `SftRow` lines, "dpo" `Pair` lines; DPO's reference is `model` itself.
        model: checkpoint folder that training starts from.
        out: folder that appears complete, or not at all; its parent holds a hidden work folder meanwhile.
        dtype: what is computed with. Weights are float32 while they train and in the checkpoint.
        log_file: everything the child prints is appended here.
        say: told of progress, a line at a time.
        base_model: name for the model card; "" takes the one that the card of `model` gives.
        held_out_file: rows that are not trained on; their loss stops the run early and chooses its weights.
        chat: how rows were asked for; None: as the demo's, or as text, as in tables of earlier versions.

    Raises:
        FlywheelError: `out` exists, rows are unreadable or none fits, the run diverged, memory or disk ran
            out, or the child crashed. The text names the cause, the log, and the last good checkpoint of a
            run that diverged, if it had one.
    """
    model, rows_file, out, log_file = (path.resolve() for path in (model, rows_file, out, log_file))
    if out.exists():
        raise FlywheelError(
            f"{out} exists already, and a model that exists is never changed; name another folder"
        )
    if not (model / "config.json").is_file():
        raise FlywheelError(f"{model} is no model folder (it has no config.json)")
    check_batches(settings)
    work = out.with_name(f".{out.name}.partial")
    job = Job(
        stage=stage,
        model=str(model),
        rows=str(rows_file),
        held_out=str(held_out_file.resolve()) if held_out_file else "",
        checkpoint=str(work / "checkpoint"),
        events=str(work / "events.jsonl"),
        base_model=base_model or _base_of(model),
        dtype=dtype,
        seed=seed,
        # What stays on the disk later makes no other job of it.
        settings=settings.model_dump(exclude={"keep_models"}),
        chat=(chat or FormatSettings(format="smollm-demo")).model_dump(
            include=set(FormatSettings.model_fields)
        ),
    )
    earlier = _prepare(work, job)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        events = _run_child(job, work, log_file, log_progress, earlier)
        result = _result(stage, out, events, time.monotonic() - started)
        _result_file(out).write_text(json.dumps(asdict(result), default=str), encoding="utf-8")
        os.replace(work / "checkpoint", out)
    except BaseException:
        if last_checkpoint(work / "trainer") is None:
            shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work)
    return result


def check_batches(settings: TrainingSettings) -> None:
    """Raises `FlywheelError` for a batch that the processes cannot share."""
    if settings.batch_size % settings.processes:
        raise FlywheelError(
            f"training.batch_size {settings.batch_size} cannot be shared by training.processes "
            f"{settings.processes}: make it a multiple"
        )


def finished_training(out: Path) -> TrainingResult | None:
    """What `run_training` returned when it left `out`, for a run that was killed right after; else None."""
    if not out.exists() or not _result_file(out).exists():
        return None
    fields = json.loads(_result_file(out).read_text(encoding="utf-8"))
    for name in _SERIES:
        fields[name] = tuple((step, value) for step, value in fields.get(name, ()))
    return TrainingResult(**{**fields, "model": Path(fields["model"]), "too_long": tuple(fields["too_long"])})


def _result_file(out: Path) -> Path:
    return out.with_name(f".{out.name}.training.json")


def _prepare(work: Path, job: Job) -> list[dict[str, Any]]:
    """Make the work folder, or keep that of the same job, killed; its events up to its checkpoint."""
    job_file, events_file = work / "job.json", Path(job.events)
    same = job_file.is_file() and job_file.read_text(encoding="utf-8") == json.dumps(asdict(job))
    checkpoint = last_checkpoint(work / "trainer") if same else None
    if checkpoint is None:
        shutil.rmtree(work, ignore_errors=True)
        (work / "tmp").mkdir(parents=True)
        job_file.write_text(json.dumps(asdict(job)), encoding="utf-8")
        events_file.touch()
        return []
    for leftover in ("tmp", "checkpoint"):
        shutil.rmtree(work / leftover, ignore_errors=True)
    (work / "tmp").mkdir()
    done = int(json.loads((checkpoint / "trainer_state.json").read_text())["global_step"])
    kept = []
    for line in events_file.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if 0 <= event.get("step", event.get("at", -1)) <= done:
                kept.append(event)
    events_file.write_text("".join(json.dumps(event) + "\n" for event in kept), encoding="utf-8")
    return kept


def _run_child(
    job: Job, work: Path, log_file: Path, log_progress: Callable[[str], None], earlier: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Start the child, relay its progress, and return all events once it succeeded, the earlier first."""
    job_file, events_file = work / "job.json", Path(job.events)
    heard = events_file.stat().st_size
    process: ChildProcess | None = None
    lifeline, held = os.pipe()
    try:
        process = ChildProcess(
            [sys.executable, "-m", "tasks.training.worker", str(job_file), str(lifeline)],
            _child_environment(work, job.settings["processes"]),
            log_file,
            descriptors=(lifeline,),
            folder=Path(__file__).resolve().parents[2],
        )
        log_progress(f"{job.stage}: training in process {process.pid}, log {log_file}")
        progress = ChildProgress(job.stage, log_progress)
        with events_file.open(encoding="utf-8") as stream:
            stream.seek(heard)
            # Short waits, since a cancellation reaches a thread only between two of them.
            while process.alive:
                progress.read(stream)
                time.sleep(_POLL_S)
            progress.read(stream)
    finally:
        code = process.end() if process is not None else None
        os.close(lifeline)
        os.close(held)
    if code:
        free = shutil.disk_usage(work).free
        tail = progress.trace or process.log_tail(TAIL_LINES)
        cause = explain_exit(code, progress.error, tail, free)
        if progress.diverged:
            cause += _set_aside(work, log_file.parent / f"last-good-{job.stage}")
        raise FlywheelError(f"{job.stage} training failed: {cause} (log: {log_file})")
    return [*earlier, *progress.events]


def _set_aside(work: Path, folder: Path) -> str:
    """Move the last checkpoint of a run that diverged out of its way; where it is, in words.

    The same settings would diverge again from it, so the next attempt starts anew.
    """
    checkpoint = last_checkpoint(work / "trainer")
    if checkpoint is None:
        return "; it had no checkpoint yet, and the model that it started from is untouched"
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(checkpoint, folder)
    shutil.rmtree(work, ignore_errors=True)
    return f"; its last good checkpoint is kept in {folder}"


def explain_exit(returncode: int, error: str, log_tail: str, free_bytes: int) -> str:
    """Why a child that failed did so.

    Args:
        returncode: of `subprocess`: negative for a signal.
        error: the cause as the child told it, "" when it could not.
        log_tail: end of its traceback, or of its log, for a crash that nothing else explains.
        free_bytes: free on the disk of the checkpoint; a child on a full disk cannot even tell.
    """
    if error:
        return error
    if returncode == -signal.SIGKILL:
        return explain_signal(signal.SIGKILL)
    if free_bytes < _FULL_DISK or "No space left on device" in log_tail:
        return "the disk is full: free space, or move the workspace"
    if returncode < 0:
        return f"{explain_signal(-returncode)}\n{log_tail}"
    return f"its process ended with code {returncode}\n{log_tail}"


def _child_environment(work: Path, processes: int) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(cores),
        # Threads that spin while they wait made a step five times slower beside any other busy process.
        "OMP_WAIT_POLICY": "PASSIVE",
        # glibc gives large tensors back to the kernel after every operation; keeping them, in huge pages,
        # saves an eighth of a step on a CPU.
        "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
        "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
        "MALLOC_TOP_PAD_": str(256 << 20),
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        # Everything temporary lies in the work folder: a killed child leaves nothing elsewhere.
        "TMPDIR": str(work / "tmp"),
        "HF_DATASETS_CACHE": str(work / "tmp"),
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
        # Everything is on disk.
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
        # cuBLAS is deterministic only with a fixed workspace.
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "CUDA_VISIBLE_DEVICES": _visible_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"), processes),
    }


def _visible_gpus(configured: str | None, processes: int) -> str:
    """As many GPUs as processes: TRL refuses several in one. "" (none) stays none."""
    gpus = [str(number) for number in range(processes)] if configured is None else configured.split(",")
    return ",".join(gpus[:processes])


def _base_of(model: Path) -> str:
    """The base model that the card of a checkpoint names; the folder's own name without one."""
    card = model / "README.md"
    if card.is_file():
        for line in card.read_text(encoding="utf-8", errors="replace").split("\n---", 1)[0].splitlines():
            key, _, value = line.partition(":")
            if key == "base_model" and value.strip():
                return value.strip().strip("\"'")
    return model.name


def _result(stage: Objective, out: Path, events: list[dict[str, Any]], seconds: float) -> TrainingResult:
    plan = next(event for event in events if "rows" in event)
    done = events[-1]

    def series(at: str, name: str) -> tuple[tuple[int, float], ...]:
        """In order; of a step that was taken again after a kill, the last."""
        return tuple(
            sorted({event[at]: event[name] for event in events if at in event and name in event}.items())
        )

    by_step = {name: series(*keys) for name, keys in _SERIES.items()}
    return TrainingResult(
        model=out,
        stage=stage,
        steps=len(by_step["losses"]),
        rows_used=plan["rows"],
        rows_too_long=len(plan["too_long"]),
        too_long=tuple(plan["too_long"]),
        **by_step,
        best_step=done["best"],
        seconds=seconds,
        memory_mb=done["memory_mb"],
        gpu_mb=done["gpu_mb"],
    )
