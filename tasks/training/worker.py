"""One training stage, alone in its process: `python -m tasks.training.worker JOB FD`.

It tokenizes rows, trains with TRL and writes a full checkpoint. What it has to say goes to a JSONL file of
events; everything that libraries print goes to its stdout, which its parent sends to a log.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.core.errors import FlywheelError
from tasks.core.lifeline import watch_lifeline
from tasks.models.chat_format import format_of
from tasks.settings.format import FormatSettings
from tasks.settings.training import TrainingSettings
from tasks.training.callbacks import LogProgress, callbacks
from tasks.training.job import (
    Diverged,
    Job,
    explain_signal,
    failure_event,
    last_checkpoint,
    look_batch,
    micro_batch,
    model_card,
    repeated_rows,
    step_count,
    warmup_steps,
)
from tasks.training.launch import run_ranks
from tasks.training.losses import dpo_trainer, sft_trainer
from tasks.training.quantization import check_quantization, on_whole_weights, quantized
from tasks.training.sharding import gathered, is_sharded, shard_on_cpu, sharding_arguments
from tasks.training.token_rows import Plan, plan_dpo, plan_sft, read_rows

_TOKENIZER_FILES = (
    "tokenizer*",
    "*.model",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*chat_template*",
    # Of models that see or hear: engines load them with the tokenizer.
    "*processor_config.json",
)


def train(job: Job, tell: LogProgress) -> None:
    """Run one stage and write its checkpoint to `job.checkpoint`.

    Events told, in order: `rows` with `too_long` ids and how many are `repeated` an epoch; `phase` (text);
    of DPO, batch by batch, of how many pairs the reference's log-probabilities are `scored` `of` how many;
    `total` (steps); one a step with `step`, `loss`, `grad_norm` and, for DPO, `margin` and `accuracy`;
    between them `held_out` (loss) `at` a step; `phase`; `memory_mb` with `gpu_mb` and the `best` step where
    rows were held out. A run that was killed goes on from the last checkpoint in its work folder.

    Raises:
        FlywheelError: no row fits, the disk is too small, or the run diverged.
    """
    settings = TrainingSettings(**job.settings)
    rows = read_rows(Path(job.rows), job.stage)
    held_out = read_rows(Path(job.held_out), job.stage) if job.held_out else []

    import torch
    import trl

    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False
    else:
        # Where Triton is missing TRL scores prompt and padding too, for compilers that want fixed shapes. On
        # a CPU that is a quarter of a step, for the same loss. (Deterministic it is there by itself.)
        trl.trainer.utils._use_triton = lambda device: True

    if job.dtype == "float16" and not on_gpu:
        raise FlywheelError("model.dtype 'float16' trains on GPUs alone: set it to 'float32' on a CPU")
    check_quantization(settings, on_gpu)
    chat_format = format_of(Path(job.model), FormatSettings(**job.chat))
    tokenizer = chat_format.tokenizer
    plan_rows: Callable[..., Plan] = plan_sft if job.stage == "sft" else plan_dpo
    plan = plan_rows(rows, chat_format, settings.max_length, job.seed)
    micro = micro_batch(settings.batch_size // settings.processes, settings.micro_batch_size)
    repeated = repeated_rows(len(plan.rows), micro, settings.processes)
    tell({"rows": len(plan.rows), "too_long": plan.too_long, "repeated": repeated})
    if not plan.rows:
        raise FlywheelError(
            f"none of {len(rows)} rows fits into max_length {settings.max_length} tokens; raise it"
        )
    apart = plan_rows(held_out, chat_format, settings.max_length, job.seed)
    tell({"phase": "loading the model" + (", scoring pairs with it" if job.stage == "dpo" else "")})
    done = last_checkpoint(_work_folder(job))
    trainer = _trainer(job, settings, plan, apart, tokenizer, tell, on_gpu, fresh=done is None)
    _check_disk(sum(weight.numel() for weight in trainer.model.parameters()), Path(job.checkpoint))
    if is_sharded(settings) and not on_gpu:
        shard_on_cpu(trainer)
    if done is not None:
        tell({"phase": f"going on from {done.name}"})
    trainer.train(resume_from_checkpoint=str(done) if done else None)
    weights = gathered(trainer) if is_sharded(settings) else None
    if not trainer.is_world_process_zero():
        return
    best = _best_step(trainer) if apart.rows else None
    tell({"phase": "writing the checkpoint"})
    _write(job, settings, plan, trainer, best == 0, weights)
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tell(
        {
            # macOS counts bytes, Linux KiB.
            "memory_mb": usage / (1 << 20 if sys.platform == "darwin" else 1 << 10),
            "gpu_mb": torch.cuda.max_memory_allocated() / (1 << 20) if on_gpu else 0.0,
            "best": best,
        }
    )


def _work_folder(job: Job) -> Path:
    return Path(job.checkpoint).parent / "trainer"


def _trainer(
    job: Job,
    settings: TrainingSettings,
    plan: Plan,
    held_out: Plan,
    tokenizer: Any,
    tell: LogProgress,
    on_gpu: bool,
    fresh: bool,
) -> Any:
    import trl
    from peft import LoraConfig

    arguments = _arguments(job, settings, len(plan.rows), on_gpu)
    if held_out.rows:
        steps = step_count(len(plan.rows), settings.batch_size, _epochs(job, settings))
        arguments |= _looks(settings, steps, len(held_out.rows), fresh)
    if job.stage == "sft":
        args = trl.SFTConfig(**arguments, completion_only_loss=True)
    else:
        args = trl.DPOConfig(
            **arguments,
            beta=settings.dpo_beta,
            loss_type=["sigmoid", "sft"],
            loss_weights=[1.0, settings.dpo_sft_weight],
            precompute_ref_log_probs=True,
            precompute_ref_batch_size=settings.reference_batch_size or None,
        )
    known: list[int] = []
    pairs = len(plan.rows) + len(held_out.rows)

    def scored(count: int) -> None:
        known.append(count)
        tell({"scored": min(sum(known), pairs), "of": pairs})

    trainer = (
        sft_trainer(held_out)
        if job.stage == "sft"
        else dpo_trainer(held_out, settings.dpo_sft_weight, scored)
    )
    return trainer(
        model=job.model,
        args=args,
        train_dataset=_dataset(plan, _work_folder(job) / "rows", args),
        processing_class=tokenizer,
        eval_dataset=_dataset(held_out, _work_folder(job) / "held_out", args) if held_out.rows else None,
        callbacks=callbacks(settings, tell, bool(held_out.rows)),
        peft_config=LoraConfig(
            r=settings.lora_rank,
            lora_alpha=2 * settings.lora_rank,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        if settings.method == "lora"
        else None,
    )


def _dataset(plan: Plan, folder: Path, args: Any) -> Any:
    """The rows as a data set on disk, which one process writes and all of them read.

    Of a data set in memory every process would name its cache by chance, and DPO's reference
    log-probabilities, which the first process computes into it, are not found by the others.
    """
    import datasets

    with args.main_process_first(local=False):
        if args.process_index == 0:
            shutil.rmtree(folder, ignore_errors=True)
            datasets.Dataset.from_list(list(plan.rows)).save_to_disk(folder)
    return datasets.Dataset.load_from_disk(folder)


def _arguments(job: Job, settings: TrainingSettings, rows: int, on_gpu: bool) -> dict[str, Any]:
    dpo = job.stage == "dpo"
    epochs = _epochs(job, settings)
    share = settings.batch_size // settings.processes
    micro = micro_batch(share, settings.micro_batch_size)
    return {
        "output_dir": str(_work_folder(job)),
        # Full training keeps float32 weights and computes in bfloat16: a step of 2e-6 is far below what a
        # bfloat16 weight can hold. The base of an adapter is frozen, so it may be bfloat16.
        "model_init_kwargs": {
            "dtype": job.dtype if settings.method == "lora" else "float32",
            **quantized(settings, job.dtype),
        },
        **({} if settings.optimizer == "adamw" else {"optim": settings.optimizer}),
        "bf16": job.dtype == "bfloat16",
        "fp16": job.dtype == "float16",
        "max_length": None,
        "learning_rate": settings.dpo_learning_rate if dpo else settings.sft_learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": warmup_steps(step_count(rows, settings.batch_size, epochs)),
        "num_train_epochs": epochs,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": share // micro,
        # On a CPU recomputing activations makes a step several times slower, and memory is no problem.
        "gradient_checkpointing": on_gpu,
        "use_cpu": not on_gpu,
        "dataloader_pin_memory": on_gpu,
        "seed": job.seed,
        "data_seed": job.seed,
        "logging_steps": 1,
        # Otherwise the Trainer hides a NaN loss behind the mean of the losses before it.
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "save_total_limit": 1,
        "report_to": "none",
        "disable_tqdm": True,
        **(sharding_arguments(on_gpu) if is_sharded(settings) else {}),
    }


def _epochs(job: Job, settings: TrainingSettings) -> float:
    return settings.dpo_epochs if job.stage == "dpo" else settings.sft_epochs


def _looks(settings: TrainingSettings, steps: int, rows: int, fresh: bool) -> dict[str, Any]:
    """Look at the held-out rows several times a run; at its end, go back to the weights of the best look.

    A run that goes on does not look again where it left off: no better than before, it would count as one
    look without a gain. How many of those there were comes with the checkpoint.
    """
    every = max(1, steps // settings.evaluations)
    return {
        "eval_strategy": "steps",
        "eval_steps": every,
        "eval_on_start": fresh,
        "restore_callback_states_from_checkpoint": True,
        "per_device_eval_batch_size": look_batch(rows, settings.processes, settings.micro_batch_size),
        "prediction_loss_only": True,
        "save_strategy": "steps",
        "save_steps": every,
        # The best and the last.
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": "loss",
        "greater_is_better": False,
    }


def _best_step(trainer: Any) -> int:
    """The step of the lowest held-out loss; 0, which the Trainer leaves out, is the start."""
    looks = [(e["eval_loss"], e["step"]) for e in trainer.state.log_history if "eval_loss" in e]
    return int(min(looks)[1])


def _write(
    job: Job,
    settings: TrainingSettings,
    plan: Plan,
    trainer: Any,
    as_it_was: bool,
    weights: dict[str, Any] | None,
) -> None:
    """Write the checkpoint: of `weights` where they were gathered from several processes."""
    import torch
    import transformers
    import trl

    if as_it_was or weights is not None:
        model = transformers.AutoModelForCausalLM.from_pretrained(job.model, dtype=torch.float32)
        if weights is not None and not as_it_was:
            model.load_state_dict(weights)
    else:
        model = trainer.accelerator.unwrap_model(trainer.model)
        if settings.quantization != "none":
            model = on_whole_weights(model, Path(job.model))
        model = model.to("cpu").float()
        if settings.method == "lora":
            model = model.merge_and_unload()
    if not all(bool(weight.isfinite().all()) for weight in model.parameters()):
        raise Diverged("training broke in its last step: weights are not finite; lower the learning rate")
    # The Trainer turned the cache off for itself; whoever loads the checkpoint to sample wants it.
    model.config.use_cache = getattr(transformers.AutoConfig.from_pretrained(job.model), "use_cache", True)
    folder = Path(job.checkpoint)
    model.to(getattr(torch, settings.output_dtype)).save_pretrained(folder)
    for file in folder.glob("*.safetensors"):
        # safetensors writes 0600, which a sampler in another container (another uid) cannot read.
        file.chmod(0o644)
    copy_tokenizer(Path(job.model), folder)
    versions = {module.__name__: str(module.__version__) for module in (torch, transformers, trl)}
    card = model_card(job, len(plan.rows), len(plan.too_long), int(trainer.state.global_step), versions)
    (folder / "README.md").write_text(card, encoding="utf-8")


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy a checkpoint's tokenizer, chat template included, byte by byte.

    Not through `save_pretrained`: that writes the trainer's padding token and the machine's cache state.
    """
    for pattern in _TOKENIZER_FILES:
        for path in source.glob(pattern):
            if path.is_dir():
                shutil.copytree(path, folder / path.name)
            else:
                shutil.copyfile(path, folder / path.name)


def _check_disk(parameters: int, checkpoint: Path) -> None:
    needed = 4 * parameters + (64 << 20)
    stats = os.statvfs(checkpoint.parent)
    free = stats.f_bavail * stats.f_frsize
    if free < needed:
        raise FlywheelError(
            f"the disk is too full for the checkpoint: {needed >> 20} MiB needed, {free >> 20} MiB free "
            f"at {checkpoint.parent.parent}; free space, or move the workspace"
        )


def main(job_file: str, lifeline: int) -> int:
    """Run the job in `job_file`; 0 when its checkpoint is complete. A failure's cause is its last event.

    `lifeline` is the descriptor of a pipe whose other end the parent holds. With several processes this
    one starts them and waits; each of them gets its rank from the environment, as accelerate reads it.
    """
    watch_lifeline(lifeline)
    job = Job(**json.loads(Path(job_file).read_text(encoding="utf-8")))
    with contextlib.suppress(OSError):
        # When memory runs out the kernel should end this process, not the flow that waits for it.
        Path("/proc/self/oom_score_adj").write_text("500")
    processes = int(job.settings["processes"])
    if processes > 1 and "RANK" not in os.environ:
        command = [sys.executable, "-m", __spec__.name, job_file, str(lifeline)]
        return _lead(job, command, processes, lifeline)
    rank = int(os.environ.get("RANK", "0"))
    with open(job.events, "a", encoding="utf-8", buffering=1) as events:

        def tell(event: dict[str, Any]) -> None:
            if rank == 0 or "error" in event:
                events.write(json.dumps(event) + "\n")

        try:
            train(job, tell)
        except BaseException as error:
            traceback.print_exc()
            tell(failure_event(error, rank, processes))
            return 1
    return 0


def _lead(job: Job, command: list[str], processes: int, lifeline: int) -> int:
    """Start the processes and wait; one that a signal ended could say nothing, so it is said here."""
    failed = run_ranks(command, processes, lifeline)
    if failed is None:
        return 0
    rank, code = failed
    if code < 0:
        cause = f"process {rank + 1} of {processes}: {explain_signal(-code)}"
        with open(job.events, "a", encoding="utf-8") as events:
            events.write(json.dumps({"error": cause, "trace": "", "diverged": False, "killed": True}) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
