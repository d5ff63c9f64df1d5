"""What a training process tells while it runs: its events, kept, and said as lines and as progress."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TextIO

from tasks.core.progress import current
from tasks.training.token_rows import Objective

_SAY_EVERY_S = 1.0


class ChildProgress:
    """Events of the child, kept and told: phases at once, steps at most once a second and the last one."""

    def __init__(self, stage: Objective, log_progress: Callable[[str], None]) -> None:
        self.events: list[dict[str, Any]] = []
        self.error = ""
        self.trace = ""
        self.diverged = False
        self._stage = stage
        self._log_progress = log_progress
        self._total = 0
        self._said = 0.0
        self._rest = ""

    def read(self, stream: TextIO) -> None:
        """Takes the events that were written since the last time."""
        *lines, self._rest = (self._rest + stream.read()).split("\n")
        for line in lines:
            event: dict[str, Any] = json.loads(line)
            self.events.append(event)
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if "error" in event:
            # Of several processes the first says why; the others' connections to it broke after that. One
            # that was killed said nothing.
            if event.get("killed") or not (self.error or self.trace):
                self.error, self.trace, self.diverged = event["error"], event["trace"], event["diverged"]
        elif "phase" in event:
            current().count(0, "")
            current().doing(event["phase"])
            self._log_progress(f"{self._stage}: {event['phase']}")
        elif "scored" in event:
            if event["of"] != current().total:
                current().count(event["of"], "pairs scored")
            current().reach(event["scored"])
        elif "rows" in event:
            ids = event["too_long"]
            some = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
            self._log_progress(
                f"{self._stage}: {event['rows']} rows"
                + (f", {len(ids)} dropped as too long ({some})" if ids else "")
                + (
                    f", {event['repeated']} of them twice an epoch, so that every process has as many"
                    if event["repeated"]
                    else ""
                )
            )
        elif "total" in event:
            self._total = event["total"]
            current().count(self._total, "steps")
        elif "step" in event:
            now = time.monotonic()
            current().reach(event["step"])
            if now - self._said >= _SAY_EVERY_S or event["step"] == self._total:
                self._said = now
                told = f"loss {event['loss']:.4f}{_margin(event)}"
                left = current().left()
                self._log_progress(
                    f"{self._stage}: step {event['step']}/{self._total}, {told}{', ' if left else ''}{left}"
                )
        elif "held_out" in event:
            told = f"held-out loss {event['held_out']:.4f}{_margin(event)}"
            self._log_progress(f"{self._stage}: {told} after step {event['at']}")


def _margin(event: dict[str, Any]) -> str:
    return f", margin {event['margin']:.3f}" if "margin" in event else ""
