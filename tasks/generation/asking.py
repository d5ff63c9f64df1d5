"""From a prompt to a request in a model's chat format, and from its completions to samples."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.core.records import Role, Sample
from tasks.generation.prompts import Prompt
from tasks.generation.thinking import within_budgets
from tasks.inference.base import Completion, Request
from tasks.models.chat_format import ChatFormat, Rendered
from tasks.settings.sampling import SamplingSettings


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A request and what it is for: the role, the prompt as the model sees it, the tokens of an answer."""

    role: Role
    prompt: Rendered
    request: Request
    answer_tokens: int


def asked_of(
    role: Role,
    prompt: Prompt,
    count: int,
    seed: int,
    answer_tokens: int,
    temperature: float,
    settings: SamplingSettings,
    chat_format: ChatFormat,
    keep_stop: bool = True,
) -> PlannedRequest:
    """The request for `count` answers to a prompt, of at most so many tokens behind a thought.

    `keep_stop`: the text that an answer stops at is part of it where rows are samples as they came.
    """
    shown = chat_format.render(prompt.messages, prompt.prefill)
    thought = settings.max_thought_tokens if chat_format.thinks else 0
    request = Request(
        prompt=shown.text,
        n=count,
        seed=seed,
        max_tokens=answer_tokens + thought,
        temperature=temperature,
        top_k=settings.top_k,
        stop=prompt.stop,
        prompt_ids=shown.ids,
        messages=prompt.messages,
        prefill=prompt.prefill,
        stop_token_ids=chat_format.stop_ids,
        top_p=settings.top_p,
        min_p=settings.min_p,
        keep_stop=keep_stop and chat_format.is_verbatim,
        special_tokens=chat_format.thinks,
        is_chat=chat_format.kind == "chat",
        system=settings.system,
        template_arguments=tuple(chat_format.arguments().items()),
    )
    return PlannedRequest(role, shown, request, answer_tokens)


def sample_of(
    asked: PlannedRequest,
    completion: Completion,
    sample_id: str,
    problem_id: str,
    settings: SamplingSettings,
    chat_format: ChatFormat,
) -> Sample:
    """The record of one completion: what was asked, what came, and what of it is thought."""
    completion, before = within_budgets(
        completion, asked.prompt, chat_format, settings.max_thought_tokens, asked.answer_tokens
    )
    request = asked.request
    return Sample(
        sample_id=sample_id,
        problem_id=problem_id,
        role=asked.role,
        index=0,
        prompt=request.prompt,
        completion=completion.text,
        finish_reason=completion.finish_reason,
        seed=request.seed,
        tokens=completion.tokens,
        temperature=request.temperature,
        messages=request.messages,
        prefill=request.prefill,
        prompt_digest=asked.prompt.digest,
        completion_ids=completion.ids,
        thought_tokens=before,
    )
