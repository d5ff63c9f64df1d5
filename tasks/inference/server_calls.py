"""What OpenAI-compatible servers are told and tell: bodies of requests, and completions out of answers.

They agree on a core and differ beside it. Whatever a server takes of the sampling settings is set, also where
it has the value that one would expect: vLLM and SGLang else take the model's own `generation_config.json`,
llama.cpp samples among 40 tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tasks.core.errors import FlywheelError
from tasks.inference.base import Completion, Request

Software = Literal["vllm", "sglang", "llama.cpp", ""]
_OWNERS: dict[str, Software] = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama.cpp"}


@dataclass(frozen=True, slots=True)
class HeldModel:
    """A model that a server names. `origin` is the file or folder it was loaded from, `parent` the model that
    an adapter belongs to, `limit` the tokens of prompt and completion together; "" and 0 where not told.
    `size` tells quantised files apart."""

    name: str
    origin: str = ""
    parent: str = ""
    limit: int = 0
    size: str = ""


@dataclass(frozen=True, slots=True)
class ServerKind:
    """What a server is, as far as it tells: "" for one of the many that only speak the common core."""

    software: Software
    version: str = ""

    @property
    def takes_tokens(self) -> bool:
        """Whether a prompt may be its tokens."""
        return self.software != ""

    def described(self) -> str:
        return " ".join(filter(None, (self.software, self.version))) or "OpenAI-compatible"


class HalfAnswerError(Exception):
    """An answer that is not whole, or is none; its text is a clause."""


def held_models(listing: Any) -> tuple[Software, list[HeldModel]]:
    """The software and the models of an answer to `/models`. Raises `HalfAnswerError`."""
    rows = listing.get("data") if isinstance(listing, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("id") for row in rows):
        raise HalfAnswerError("its list of models names none")
    models = []
    for row in rows:
        meta = row.get("meta") if isinstance(row.get("meta"), dict) else {}
        limit = row.get("max_model_len")
        size = ",".join(str(meta[part]) for part in ("n_params", "size") if meta.get(part))
        models.append(
            HeldModel(
                str(row["id"]),
                str(row.get("root") or ""),
                str(row.get("parent") or ""),
                limit if isinstance(limit, int) else 0,
                size,
            )
        )
    software = next((_OWNERS[row["owned_by"]] for row in rows if row.get("owned_by") in _OWNERS), "")
    return software, models  # type: ignore[return-value]


def uses_chat(request: Request, endpoint: str, kind: ServerKind) -> bool:
    """Whether the server renders the conversation. Raises `FlywheelError` where it cannot."""
    if endpoint != "chat":
        return endpoint == "auto" and request.is_chat and not kind.takes_tokens
    if not request.messages:
        raise FlywheelError(
            "engine.endpoint is 'chat', but a prompt is no conversation: choose 'completions'."
        )
    return True


def body_of(
    request: Request, model: str, n: int, seed: int, max_tokens: int, chat: bool, kind: ServerKind
) -> dict[str, Any]:
    """The body that asks for `n` completions. Raises `FlywheelError` for a prefill that the server's
    software does not take."""
    body: dict[str, Any] = {
        "model": model,
        "n": n,
        "seed": seed,
        "max_tokens": max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stream": False,
        **({"stop": list(request.stop)} if request.stop else {}),
        **_beside_the_core(request, kind.software),
    }
    if not chat:
        as_tokens = kind.takes_tokens and request.prompt_ids
        return {**body, "prompt": list(request.prompt_ids) if as_tokens else request.prompt}
    turns = [{"role": turn.role, "content": turn.content} for turn in request.messages]
    if request.system and turns[0]["role"] != "system":
        turns.insert(0, {"role": "system", "content": request.system})
    if request.prefill:
        if not kind.software:
            raise FlywheelError(
                "the servers are not known to go on from the first words of an answer: set "
                "sampling.prefill to 'none'."
            )
        turns.append({"role": "assistant", "content": request.prefill})
        if kind.software != "llama.cpp":
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    if kind.software:
        body["chat_template_kwargs"] = dict(request.template_arguments)
    return {**body, "messages": turns}


def _beside_the_core(request: Request, software: Software) -> dict[str, Any]:
    if not software:
        return {}
    # SGLang refuses 0 for all tokens; all of them take -1.
    common: dict[str, Any] = {"top_k": request.top_k or -1, "min_p": request.min_p}
    if software == "llama.cpp":
        # From its cache of prompts it computes other last bits, and with them other samples.
        return {**common, "repeat_penalty": 1.0, "cache_prompt": False}
    common |= {
        "repetition_penalty": 1.0,
        "stop_token_ids": list(request.stop_token_ids),
        "skip_special_tokens": not request.special_tokens,
    }
    if software == "sglang":
        return {**common, "no_stop_trim": request.keep_stop}
    return {**common, "include_stop_str_in_output": request.keep_stop, "return_token_ids": True}


def completions_of(answer: Any, chat: bool) -> list[Completion]:
    """The completions of an answer, in the order of their index.

    Where a server counts the tokens of all of them together, each has its share. Raises `HalfAnswerError`.
    """
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices or not all(isinstance(one, dict) for one in choices):
        raise HalfAnswerError("it holds no completions")
    usage = answer.get("usage")
    counted = usage.get("completion_tokens") if isinstance(usage, dict) else None
    whole = counted if isinstance(counted, int) else 0
    found = []
    for place, choice in enumerate(sorted(choices, key=lambda one: int(one.get("index") or 0))):
        share = whole * (place + 1) // len(choices) - whole * place // len(choices)
        found.append(_completion(choice, chat, share))
    return found


def _completion(choice: Mapping[str, Any], chat: bool, tokens: int) -> Completion:
    said: Any = choice.get("message") if chat else choice
    reason = choice.get("finish_reason")
    if not isinstance(said, dict) or not isinstance(reason, str):
        raise HalfAnswerError("a completion has no end")
    text = said.get("content" if chat else "text")
    thought = (said.get("reasoning_content") or said.get("reasoning") or "") if chat else ""
    if chat and text is None:
        # So are answers whose budget went into the thought.
        text = ""
    if not isinstance(text, str) or not isinstance(thought, str):
        raise HalfAnswerError("a completion has no text")
    ids = tuple(choice.get("token_ids") or ())
    return Completion(text, reason, len(ids) or tokens, ids, thought)


def prompt_tokens(answer: Any) -> int:
    """How many tokens the server made of the prompt; 0 where it does not tell."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return counted if isinstance(counted, int) else 0
