"""What a training run says and watches for: losses, divergence, held-out rows, time for a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tasks.settings.training import TrainingSettings
from tasks.training.job import check_health

LogProgress = Callable[[dict[str, Any]], None]


def rewards_of(logs: Mapping[str, float], prefix: str = "") -> dict[str, float]:
    """DPO's margin and accuracy among the figures that the Trainer logs; nothing of SFT's."""
    names = {"margin": f"{prefix}rewards/margins", "accuracy": f"{prefix}rewards/accuracies"}
    return {name: float(logs[key]) for name, key in names.items() if key in logs}


def callbacks(settings: TrainingSettings, tell: LogProgress, held_out: bool) -> list[Any]:
    """The Trainer's callbacks. Imports transformers, so only the child calls it."""
    import torch
    from transformers import EarlyStoppingCallback, TrainerCallback

    losses: list[float] = []

    def agreed(flag: bool, device: Any) -> bool:
        """The first process's word: several must save together."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return flag
        word = torch.tensor([int(flag)], device=device)
        torch.distributed.broadcast(word, 0)
        return bool(word.item())

    class Reporter(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            tell({"total": int(state.max_steps)})

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if not logs:
                return
            step = int(state.global_step)
            if "eval_loss" in logs:
                tell({"held_out": float(logs["eval_loss"]), "at": step, **rewards_of(logs, "eval_")})
            if "loss" in logs:
                losses.append(float(logs["loss"]))
                norm = float(logs.get("grad_norm", 0.0))
                tell({"step": step, "loss": losses[-1], "grad_norm": norm, **rewards_of(logs)})
                check_health(losses, norm)

    class Clock(TrainerCallback):  # type: ignore[misc]
        """A checkpoint every so many seconds, whatever the steps take."""

        def __init__(self) -> None:
            self.saved = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            due = time.monotonic() - self.saved >= settings.checkpoint_every_s
            if agreed(due, args.device) and state.global_step < state.max_steps:
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved = time.monotonic()

    stop = [EarlyStoppingCallback(settings.patience)] if held_out and settings.patience else []
    return [Reporter(), Clock(), *stop]
