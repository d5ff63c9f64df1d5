"""Settings of the inference engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from tasks.settings.base import SettingsModel


class EngineSettings(SettingsModel):
    """The inference engine."""

    NOT_IN_CACHE_KEY: ClassVar[Mapping[str, str]] = {
        "gpu_memory_utilization": "the share of a GPU's memory that holds the cache",
        "cpu_kv_cache_gb": "the CPU memory that holds the cache",
        "tensor_parallel": "the GPUs that one model is spread over",
        "start_timeout_s": "a wait",
    }

    replay: str = Field(
        "", description="JSONL of recorded completions to use instead of a model; '' for the model."
    )
    gpu_memory_utilization: float = Field(0.85, gt=0, le=1, description="Share of GPU memory vLLM may take.")
    cpu_kv_cache_gb: int = Field(
        2,
        ge=1,
        le=1024,
        description="KV cache on CPU, in GiB; VLLM_CPU_KVCACHE_SPACE in the environment counts instead.",
    )
    tensor_parallel: int = Field(1, ge=1, le=64, description="GPUs a model is spread over.")
    start_timeout_s: int = Field(600, ge=10, le=7200, description="Longest wait for the engine to start.")
