"""The chat format of a model: conversation -> token ids, by the same code when it samples and when it trains.

It is made from the model's tokenizer and the settings. Of its three kinds `chat` renders the tokenizer's own
template, `completion` plain text for base models, and `smollm-demo` the ChatML that the demo was measured
with. A text begins with BOS exactly once where its tokenizer knows one, an answer ends where the assistant's
own turn does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from tasks.core.errors import FlywheelError
from tasks.core.records import Message, ids_digest
from tasks.models.layouts import chatml, plain_text
from tasks.models.thoughts import opened_thought
from tasks.settings.format import FormatSettings

Kind = Literal["chat", "completion", "smollm-demo"]
Prefill = Literal["none", "fence", "body"]
VERSION = 1
"""Part of every key of samples and of training: raise it when a conversation gives other tokens."""
# Templates that write the date would make other prompts every day.
_DATE = datetime(2024, 7, 26)
_PROBE = "flywheel-probe"
_MARK = re.compile(
    r"<[|\uff5c]?/?[A-Za-z_][\w\u2581:. -]{0,40}[|\uff5c]?>|\[/?[A-Z][A-Z_]{1,30}\]|\u25c1/?\w{1,20}\u25b7"
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as a model sees it: text and tokens. `opened`: the marks of the thought that it begins."""

    text: str
    ids: tuple[int, ...]
    opened: tuple[str, str] | None = None

    @property
    def digest(self) -> str:
        return ids_digest(self.ids)


class ChatFormat:
    """How one model is spoken to. `tokenizer` is one of transformers', `name` tells people whose it is.

    Raises `FlywheelError` where the settings ask for a template that the tokenizer lacks, or the tokenizer
    names no token that ends a text or, though its template begins with one, none that begins it.
    """

    def __init__(
        self,
        tokenizer: Any,
        settings: FormatSettings,
        name: str = "this model",
        engine_stop_ids: Sequence[int] = (),
    ) -> None:
        self.tokenizer, self.settings, self.name = tokenizer, settings, name
        self._engine_stop_ids = tuple(engine_stop_ids)
        self.template = str(getattr(tokenizer, "chat_template", None) or "")
        self.kind: Kind = _kind(settings, bool(self.template))
        if self.kind == "chat":
            if not self.template:
                raise FlywheelError(
                    f"sampling.format is 'chat', but the tokenizer of {name} has no chat template: choose "
                    "'completion' (or 'auto'), or put the model's chat_template.jinja into its folder."
                )
            if re.search(r"\bbos_token\b", self.template) and tokenizer.bos_token is None:
                raise FlywheelError(
                    f"the chat template of {name} begins with bos_token, but its tokenizer names none: set "
                    "bos_token in its tokenizer_config.json."
                )
        if tokenizer.eos_token_id is None:
            raise FlywheelError(
                f"the tokenizer of {name} names no token that ends a text: set eos_token in its "
                "tokenizer_config.json."
            )

    @property
    def prefill(self) -> Prefill:
        """Which first words of an answer prompts bring."""
        if self.kind == "smollm-demo":
            return "body"
        if self.settings.prefill == "auto":
            return "none" if self.kind == "chat" else "fence"
        return self.settings.prefill

    @property
    def worked_example(self) -> bool:
        """Whether prompts show a solved example first."""
        wanted = self.settings.worked_example
        return self.kind != "chat" if wanted == "auto" else wanted == "on"

    @cached_property
    def takes_system(self) -> bool:
        """Whether a conversation may begin with a system message."""
        if self.kind != "chat":
            return True
        try:
            self._templated([Message("system", _PROBE), Message("user", _PROBE)], for_answer=True)
        except FlywheelError:
            return False
        return True

    @property
    def is_verbatim(self) -> bool:
        """Whether rows train sampled tokens as they came; the demo's rows are written anew, as measured."""
        return self.kind != "smollm-demo"

    @property
    def thinks(self) -> bool:
        return self.settings.thinking != "off"

    @cached_property
    def end_id(self) -> int:
        """The token that ends the assistant's turn, and with it every row."""
        return self._end_of_turn() if self.kind == "chat" else int(self.tokenizer.eos_token_id)

    @cached_property
    def stop_ids(self) -> tuple[int, ...]:
        """The tokens at which sampling stops; none where the engine's own defaults are right."""
        if self.kind == "smollm-demo":
            return tuple(self.settings.stop_token_ids)
        own = (self.end_id, int(self.tokenizer.eos_token_id))
        return tuple(dict.fromkeys((*own, *self._engine_stop_ids, *self.settings.stop_token_ids)))

    def described(self) -> dict[str, Any]:
        """What decides about tokens, for keys and manifests; the template is the tokenizer's, and with it
        part of the model's digest."""
        return {
            "format": self.kind,
            "version": VERSION,
            "prefill": self.prefill,
            "worked_example": self.worked_example,
        }

    def arguments(self) -> dict[str, Any]:
        """What the template is told beside the conversation."""
        arguments = self.settings.arguments()
        if "enable_thinking" in self.template:
            arguments.setdefault("enable_thinking", self.thinks)
        return arguments

    def render(self, messages: Sequence[Message], prefill: str = "") -> Rendered:
        """A prompt as the model sees it, up to the last word of `prefill`.

        Raises `FlywheelError` where the model's template refuses the conversation.
        """
        if self.kind == "smollm-demo":
            text = chatml(messages, prefill)
            return Rendered(text, tuple(self.tokenizer(text)["input_ids"]))
        safe = [Message(turn.role, self.without_marks(turn.content)) for turn in messages]
        if self.kind == "completion":
            text = plain_text(safe, prefill)
            return Rendered(text, tuple(self.tokenizer(text)["input_ids"]))
        text = self._templated(safe, for_answer=True)
        opened = opened_thought(text)
        if opened and not self.thinks:
            text, opened = f"{text}\n{opened[1]}\n\n", None
        text += prefill
        return Rendered(text, self._with_bos(self._encode(text)), opened)

    def of_text(self, text: str) -> Rendered:
        """A prompt that is text already, from tables of earlier versions."""
        return Rendered(text, tuple(self._encode_all(text)))

    def completion_ids(self, prompt: Rendered, completion: str) -> tuple[int, ...]:
        """The tokens of an answer that was written anew, behind its prompt, with the end of the turn."""
        ids = tuple(self._encode_all(prompt.text + completion))
        if ids[: len(prompt.ids)] == prompt.ids:
            # As one text where nothing merges: SentencePiece would begin a lone completion with a space.
            rest = ids[len(prompt.ids) :]
        else:
            rest = tuple(self._encode(completion))
        return self.ended(rest)

    def ended(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Sampled tokens with the end of the assistant's turn behind them, exactly once."""
        ids = tuple(ids)
        while ids and ids[-1] in (self.end_id, *self.stop_ids):
            ids = ids[:-1]
        return (*ids, self.end_id)

    def decode(self, ids: Sequence[int]) -> str:
        """Tokens as text, marks included."""
        return str(
            self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        )

    def count(self, text: str) -> int:
        """How many tokens a text has by itself."""
        return len(self._encode(text))

    def without_marks(self, content: str) -> str:
        """A text of people, or of another model, in which no token of the chat can be read."""
        for mark in self._marks:
            if mark in content:
                content = content.replace(mark, f"{mark[0]} {mark[1:]}")
        return content

    def template_marks(self) -> list[str]:
        """The marks that the template writes around a question and its answer, each once."""
        probe = [Message("user", _PROBE), Message("assistant", _PROBE), Message("user", _PROBE)]
        return list(dict.fromkeys(_MARK.findall(self._templated(probe, for_answer=True))))

    @cached_property
    def _marks(self) -> tuple[str, ...]:
        known = getattr(self.tokenizer, "added_tokens_decoder", {})
        special = {str(token) for token in known.values() if token.special}
        special |= {mark for mark in self.tokenizer.all_special_tokens if len(mark) > 1}
        return tuple(sorted((mark for mark in special if len(mark) > 1), key=len, reverse=True))

    def _templated(self, messages: Sequence[Message], for_answer: bool) -> str:
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        if self.settings.system and turns[0]["role"] != "system":
            turns.insert(0, {"role": "system", "content": self.settings.system})
        arguments = self.arguments()
        try:
            return str(
                self.tokenizer.apply_chat_template(
                    turns,
                    tokenize=False,
                    add_generation_prompt=for_answer,
                    **{"strftime_now": _DATE.strftime, **arguments},
                )
            )
        except Exception as error:
            roles = ", ".join(turn["role"] for turn in turns)
            cause = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
            raise FlywheelError(
                f"the chat template of {self.name} refuses a conversation of {roles} ({cause}): leave "
                "sampling.system and sampling.worked_example out, or choose another sampling.format."
            ) from None

    def _encode(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _encode_all(self, text: str) -> Sequence[int]:
        if self.kind == "chat":
            return self._with_bos(self._encode(text))
        return list(self.tokenizer(text)["input_ids"])

    def _with_bos(self, ids: Sequence[int]) -> tuple[int, ...]:
        """BOS once: some templates write it, of others the tokenizer would."""
        bos = self.tokenizer.bos_token_id
        if bos is None:
            return tuple(ids)
        adds = self._adds_bos
        rest = list(ids)
        while adds and rest[:1] == [bos]:
            rest = rest[1:]
        return (bos, *rest) if adds else tuple(rest)

    @cached_property
    def _adds_bos(self) -> bool:
        return list(self.tokenizer("x")["input_ids"])[:1] == [self.tokenizer.bos_token_id]

    def _end_of_turn(self) -> int:
        """The first mark behind an answer that the template writes; a text's end where it writes none."""
        probe = [Message("user", "question"), Message("assistant", _PROBE)]
        behind = self._templated(probe, for_answer=False).rpartition(_PROBE)[2]
        marks = set(self._marks)
        for token in self._encode(behind):
            if self.tokenizer.convert_ids_to_tokens(token) in marks:
                return token
        return int(self.tokenizer.eos_token_id)


def _kind(settings: FormatSettings, has_template: bool) -> Kind:
    if settings.format == "auto":
        return "chat" if has_template else "completion"
    return settings.format


@lru_cache(maxsize=4)
def _loaded(folder: str, settings: str) -> ChatFormat:
    from transformers import AutoTokenizer, GenerationConfig

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except Exception as error:
        raise FlywheelError(
            f"the tokenizer in {folder} cannot be loaded ({type(error).__name__}: {str(error)[:160]}): put "
            "the model's tokenizer files into the folder."
        ) from None
    ends: list[int] = []
    if (Path(folder) / "generation_config.json").is_file():
        found = GenerationConfig.from_pretrained(folder).eos_token_id
        ends = [found] if isinstance(found, int) else list(found or [])
    return ChatFormat(tokenizer, FormatSettings.model_validate_json(settings), Path(folder).name, ends)


def format_of(folder: Path, settings: FormatSettings) -> ChatFormat:
    """The chat format of the model in a folder. Raises `FlywheelError` as `ChatFormat` does."""
    own = settings.model_dump(include=set(FormatSettings.model_fields))
    return _loaded(str(folder), FormatSettings.model_validate(own).model_dump_json())
