"""Whether a model's chat format is as it has to be, before anything is sampled: marks of one token each, BOS
once, a known end, a context that prompts and answers fit into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import FlywheelError
from tasks.core.records import Problem
from tasks.generation import prompts
from tasks.models.chat_format import ChatFormat, Rendered, format_of
from tasks.settings.sampling import SamplingSettings

_EXAMPLE = Problem(
    "example",
    "Write a function that returns the larger of two numbers.",
    "larger",
    "def larger(a, b):",
    "statement",
)
_SNIPPET = "def area(width, height):\n    return width * height"


@dataclass(frozen=True, slots=True)
class FormatCheck:
    """One thing that was looked at. Without `next_step` it is as it should be; `stops`: no run may start."""

    name: str
    text: str
    next_step: str = ""
    stops: bool = False


def first_prompts(chat_format: ChatFormat, settings: SamplingSettings) -> dict[str, Rendered]:
    """A prompt of each role as the model sees it, about one small problem."""
    style = prompts.style_of(chat_format)
    asked = {
        "solver": prompts.solver_prompt(_EXAMPLE, style),
        "verifier": prompts.verifier_prompt(_EXAMPLE, settings.cases_per_suite, style),
        "proposer": prompts.proposer_prompt(_SNIPPET, style),
    }
    return {role: chat_format.render(one.messages, one.prefill) for role, one in asked.items()}


def checks_of(chat_format: ChatFormat, settings: SamplingSettings, most: int = 0) -> Iterator[FormatCheck]:
    """What holds of a format; `most` is the longest text of the model in tokens, 0 where nobody says."""
    wanted = settings.format
    why = f"sampling.format is {wanted!r}"
    if wanted == "auto":
        why += f", the tokenizer has {'a' if chat_format.template else 'no'} chat template"
    yield FormatCheck("format", f"{chat_format.kind} ({why})")
    shown = first_prompts(chat_format, settings)
    yield _marks(chat_format)
    yield _round_trip(chat_format, shown)
    yield _begin(chat_format, shown)
    yield _end(chat_format)
    yield _room(shown, settings)
    if most and most < settings.max_context_tokens:
        yield FormatCheck(
            "context",
            f"the model knows texts of {most} tokens, sampling.max_context_tokens is "
            f"{settings.max_context_tokens}",
            f"set sampling.max_context_tokens to {most} or less",
            stops=True,
        )


def check_format(folder: Path, settings: SamplingSettings) -> str:
    """What a run says of its model's format, in a line. Raises `FlywheelError` for the first fault that stops
    a run."""
    chat_format = format_of(folder, settings)
    found = list(checks_of(chat_format, settings, longest_text(folder)))
    for check in found:
        if check.stops:
            raise FlywheelError(f"{chat_format.name}: {check.text}: {check.next_step}.")
    notes = [f"{check.name}: {check.text}" for check in found if check.next_step]
    return "; ".join([f"chat format: {found[0].text}", *notes])


def longest_text(folder: Path) -> int:
    """The longest text that a model's configuration allows, in tokens; 0 where it does not say."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    inner = config.get("text_config") or {}
    return int(config.get("max_position_embeddings") or inner.get("max_position_embeddings") or 0)


def _marks(chat_format: ChatFormat) -> FormatCheck:
    if chat_format.kind == "completion":
        return FormatCheck("marks", "none: plain text")
    marks = chat_format.template_marks() if chat_format.kind == "chat" else ["<|im_start|>", "<|im_end|>"]
    split = [mark for mark in marks if chat_format.count(mark) != 1]
    if not split:
        return FormatCheck("marks", f"one token each: {' '.join(marks) or 'none'}")
    sizes = ", ".join(f"{mark} is {chat_format.count(mark)} tokens" for mark in split)
    return FormatCheck(
        "marks",
        f"the tokenizer does not know its chat's marks ({sizes})",
        "use the tokenizer that belongs to the template, or set sampling.format to 'completion'",
        stops=True,
    )


def _round_trip(chat_format: ChatFormat, shown: dict[str, Rendered]) -> FormatCheck:
    for role, prompt in shown.items():
        decoded = chat_format.decode(prompt.ids)
        bos = chat_format.tokenizer.bos_token or ""
        if decoded.removeprefix(bos).strip() != prompt.text.removeprefix(bos).strip():
            return FormatCheck(
                "round trip",
                f"the tokens of the {role}'s prompt decode to another text",
                "look at the prompts below; the model was trained on what the tokens are",
            )
    return FormatCheck("round trip", "prompts decode to themselves")


def _begin(chat_format: ChatFormat, shown: dict[str, Rendered]) -> FormatCheck:
    bos = chat_format.tokenizer.bos_token_id
    starts = [prompt.ids[:2] for prompt in shown.values()]
    if bos is None:
        return FormatCheck("BOS", "the tokenizer has none")
    if any(start == (bos, bos) for start in starts):
        return FormatCheck(
            "BOS", "twice at the beginning", "take bos_token out of the chat template", stops=True
        )
    if all(start[:1] == (bos,) for start in starts):
        return FormatCheck("BOS", f"once: {chat_format.tokenizer.bos_token}")
    text = f"neither the template nor the tokenizer writes {chat_format.tokenizer.bos_token}"
    if chat_format.kind != "completion" or bos == chat_format.tokenizer.eos_token_id:
        return FormatCheck("BOS", text)
    return FormatCheck(
        "BOS", text, "if the model was trained with it, set add_bos_token in its tokenizer_config.json"
    )


def _end(chat_format: ChatFormat) -> FormatCheck:
    names = chat_format.tokenizer.convert_ids_to_tokens(list(chat_format.stop_ids or (chat_format.end_id,)))
    rows = chat_format.tokenizer.convert_ids_to_tokens(chat_format.end_id)
    return FormatCheck("end", f"rows end in {rows}; sampling stops at {', '.join(map(str, names))}")


def _room(shown: dict[str, Rendered], settings: SamplingSettings) -> FormatCheck:
    thought = settings.max_thought_tokens if settings.thinking != "off" else 0
    longest = {
        "solver": settings.max_solution_tokens,
        "verifier": settings.max_suite_tokens,
        "proposer": settings.max_problem_tokens,
    }
    needed = {role: len(prompt.ids) + longest[role] + thought for role, prompt in shown.items()}
    role = max(needed, key=lambda one: needed[one])
    text = f"the {role}'s prompt about a small problem and its longest answer are {needed[role]} tokens"
    if needed[role] <= settings.max_context_tokens:
        return FormatCheck("room", f"{text} of {settings.max_context_tokens}")
    return FormatCheck(
        "room",
        f"{text}, sampling.max_context_tokens is {settings.max_context_tokens}",
        "raise it, or lower the answer's tokens: longer answers are cut",
    )
