"""`flywheel doctor --model NAME`: whether a model's chat format is as it has to be, and the first prompt of
each role as the model sees it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tasks.generation.format_checks import checks_of, first_prompts, longest_text
from tasks.models.base import cache_folder
from tasks.models.chat_format import format_of
from tasks.models.resolve import resolve_model
from tasks.settings.iteration import IterationSettings


def examine_model(settings: IterationSettings, json_output: bool) -> int:
    """Print what was found and the prompts; 1 when something stops a run, else 0.

    Raises `FlywheelError` when the model or its chat format cannot be had.
    """
    folder = resolve_model(settings.model, cache_folder(), lambda _: None)
    chat_format = format_of(folder, settings.sampling)
    checks = list(checks_of(chat_format, settings.sampling, longest_text(folder)))
    prompts = {role: shown.text for role, shown in first_prompts(chat_format, settings.sampling).items()}
    if json_output:
        found: dict[str, Any] = {
            "model": settings.model.name,
            "folder": str(folder),
            "chat_format": chat_format.described(),
            "checks": [asdict(check) for check in checks],
            "prompts": prompts,
        }
        print(json.dumps(found, indent=1))
    else:
        for check in checks:
            level = "missing" if check.stops else "note" if check.next_step else "ok"
            step = f"\n            -> {check.next_step}" if check.next_step else ""
            print(f"{level:8}{check.name:11} {check.text}{step}")
        for role, text in prompts.items():
            print(f"\nThe {role} is shown, up to its answer:\n{text}|")
    return int(any(check.stops for check in checks))
