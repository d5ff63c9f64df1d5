"""Settings of the inference engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from tasks.settings.base import SettingsModel


class EngineSettings(SettingsModel):
    """The inference engine."""

    NOT_IN_CACHE_KEY: ClassVar[Mapping[str, str]] = {
        "gpu_memory_utilization": "the share of a GPU's memory that holds the cache",
        "cpu_kv_cache_gb": "the CPU memory that holds the cache",
        "tensor_parallel": "the GPUs that one model is spread over",
        "replicas": "engines side by side, each of which answers whole batches",
        "start_timeout_s": "a wait",
        "servers": "where one model is served",
        "key_variable": "the name of a key",
        "concurrency": "what is asked for at once",
        "retries": "how long trouble is borne",
        "request_timeout_s": "a wait",
    }

    kind: str = Field(
        "auto",
        min_length=1,
        description="What answers: vllm (a child process, or several), server (engine.servers) or replay "
        "(engine.replay), or the name of an installed package's engine; auto: replay or server where those "
        "are set, else vllm.",
    )
    replay: str = Field(
        "", description="JSONL of recorded completions to use instead of a model; '' for the model."
    )
    gpu_memory_utilization: float = Field(0.85, gt=0, le=1, description="Share of GPU memory vLLM may take.")
    cpu_kv_cache_gb: int = Field(
        2,
        ge=1,
        le=1024,
        description="KV cache on CPU, in GiB a replica; VLLM_CPU_KVCACHE_SPACE in the environment counts "
        "instead.",
    )
    tensor_parallel: int = Field(1, ge=1, le=64, description="GPUs a model is spread over.")
    replicas: int = Field(
        1,
        ge=1,
        le=64,
        description="vLLM engines side by side, each on tensor_parallel GPUs of its own, or on its part of "
        "the cores; how many there are changes no sample.",
    )
    start_timeout_s: int = Field(600, ge=10, le=7200, description="Longest wait for the engine to start.")
    servers: list[str] = Field(
        [],
        description="Addresses of OpenAI-compatible servers that hold the model, all the same one, such as "
        "http://gpu-1:8000/v1; they share the requests.",
    )
    served_model: str = Field(
        "", description="The base model's name at the servers; '' where they hold one model alone."
    )
    endpoint: Literal["auto", "completions", "chat"] = Field(
        "auto",
        description="completions: the prompt as the chat format renders it, as tokens where the server "
        "takes them; chat: the conversation, which the server renders; auto: completions, but chat for a "
        "model with a chat template on a server that is not known to take tokens.",
    )
    key_variable: str = Field(
        "", description="Name of the environment variable that holds the servers' API key; '' for no key."
    )
    concurrency: int = Field(32, ge=1, le=1024, description="Requests under way at a server at once.")
    retries: int = Field(
        6,
        ge=0,
        le=100,
        description="How often a request is repeated, after ever longer pauses, where a server is busy, "
        "fails or is gone, before the server is given up.",
    )
    request_timeout_s: int = Field(
        600, ge=1, le=86_400, description="Longest wait for the completions of one prompt."
    )

    @model_validator(mode="after")
    def _fit_each_other(self) -> EngineSettings:
        for server in self.servers:
            # Not at the field itself: the complaint would show what was given, and with it a key.
            _check_address(server)
        if len(set(self.servers)) < len(self.servers):
            raise ValueError("engine.servers names an address twice")
        if self.kind == "server" and not self.servers:
            raise ValueError("kind 'server' needs an address in engine.servers")
        if self.kind == "replay" and not self.replay:
            raise ValueError("kind 'replay' needs a file in engine.replay")
        return self


def _check_address(server: str) -> None:
    try:
        parts = urlsplit(server)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("an address in engine.servers begins with http:// or https:// and names a host")
    if parts.username or parts.password or parts.query:
        # Settings are written into the workspace and shown.
        raise ValueError("no key belongs into an address: name its variable in engine.key_variable")
