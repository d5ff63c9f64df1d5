"""Settings of how a model is spoken to: its chat format, the first words of its answers, its thoughts."""

from __future__ import annotations

import tomllib
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from tasks.settings.base import SettingsModel


class FormatSettings(SettingsModel):
    """How conversations become a model's tokens (`tasks.models.chat_format`)."""

    format: Literal["auto", "chat", "completion", "smollm-demo"] = Field(
        "auto",
        description="chat: the tokenizer's own chat template; completion: question and answer as plain "
        "text, for base models; auto: chat where the tokenizer has a template, else completion; smollm-demo: "
        "ChatML by hand with SmolLM's system line and answers begun in the function's body, as the demo's "
        "figures were measured.",
    )
    system: str = Field("", description="System message; '' for none but what the template itself adds.")
    template_arguments: list[str] = Field(
        [],
        description='Arguments of the chat template, each name=value with a TOML value: ["reasoning=true"].',
    )
    prefill: Literal["auto", "none", "fence", "body"] = Field(
        "auto",
        description="First words of an answer, written for the model: none; fence: the opening of a block of "
        "Python; body: up to the function's body, or into the first assertion; auto: none with chat, fence "
        "with completion.",
    )
    worked_example: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether a prompt shows a solved example first; auto: off with chat, on with completion.",
    )
    thinking: Literal["off", "keep", "drop"] = Field(
        "off",
        description="off: the template is told not to think, and an answer that thinks none the less is "
        "dropped; keep: rows train the thought before the answer; drop: the model thinks, rows train the "
        "answer alone. A thought is never read for code.",
    )
    stop_token_ids: list[int] = Field(
        [], description="Tokens that end an answer, beside those that the tokenizer and the template name."
    )

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_versions(cls, values: Any) -> Any:
        """Settings that an iteration of version 0.1 was started with name a layout in place of a format."""
        if not isinstance(values, dict) or "layout" not in values:
            return values
        rest = {name: value for name, value in values.items() if name != "layout"}
        plain = {"format": "completion", "prefill": "body"}
        return {**rest, **({"format": "smollm-demo"} if values["layout"] == "chatml" else plain)}

    @field_validator("template_arguments")
    @classmethod
    def _are_assignments(cls, texts: list[str]) -> list[str]:
        for text in texts:
            _assigned(text)
        return texts

    @model_validator(mode="after")
    def _fit_each_other(self) -> FormatSettings:
        if self.thinking != "off" and self.prefill in ("fence", "body"):
            raise ValueError(f"prefill {self.prefill!r} begins the answer, so no thought can come before it")
        own = self.prefill != "auto" or self.worked_example != "auto" or self.thinking != "off"
        if self.format == "smollm-demo" and (own or self.system or self.template_arguments):
            raise ValueError(
                "format 'smollm-demo' is one fixed layout: leave system, template_arguments, prefill, "
                "worked_example and thinking as they are, or choose another format"
            )
        return self

    def arguments(self) -> dict[str, Any]:
        """`template_arguments` as values."""
        return dict(_assigned(text) for text in self.template_arguments)


def _assigned(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ValueError(f"write an argument of the template as name=value, not {text!r}")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()
