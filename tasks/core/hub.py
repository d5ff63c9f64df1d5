"""The Hugging Face hub: whether it answers, a model's files from it or from its cache, a model's card."""

from __future__ import annotations

import re
from pathlib import Path

# The card says the licence of what a model writes.
_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "README.md")
_SECONDS = 5.0


def hub_reachable() -> bool:
    """Whether the hub answers within a few seconds (any answer of its own counts)."""
    try:
        import httpx
        from huggingface_hub import constants

        httpx.head(constants.ENDPOINT, timeout=_SECONDS)
    except Exception:  # (no package, no network, refused: all mean no)
        return False
    return True


def cached_model(name: str, revision: str = "") -> Path | None:
    """The folder of a model in the hub's cache, which may hold some of its files only; None without one.

    `revision` is a commit, tag or branch; "" for the default.
    """
    try:
        from huggingface_hub import snapshot_download

        return Path(
            snapshot_download(
                name, revision=revision or None, local_files_only=True, allow_patterns=list(_FILES)
            )
        )
    except Exception:  # (no package, never fetched, no name of the hub)
        return None


def fetched_model(name: str, revision: str = "") -> Path:
    """The folder of a model with all its files; what the cache lacks comes from the hub.

    Raises whatever huggingface_hub does; within seconds when the hub does not answer.
    """
    from huggingface_hub import HfApi, snapshot_download

    # One request with a short timeout first: the download itself retries for minutes when offline.
    HfApi().model_info(name, revision=revision or None, timeout=_SECONDS)
    return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(_FILES)))


def revision_of(folder: Path) -> str:
    """The commit of a model's folder in the hub's cache; "" for any other folder."""
    named = folder.name if folder.parent.name == "snapshots" else ""
    return named if re.fullmatch(r"[0-9a-f]{40}", named) else ""


def hub_card(name: str) -> Path | None:
    """A hub model's README.md, from the cache or fetched within seconds; None when it cannot be had."""
    try:
        from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache

        cached = try_to_load_from_cache(name, "README.md")
        if isinstance(cached, str):
            return Path(cached)
        HfApi().model_info(name, timeout=_SECONDS)
        return Path(hf_hub_download(name, "README.md"))
    except Exception:  # (no package, no answer, no such model, no card)
        return None


def hub_parameters(name: str) -> int:
    """How many parameters a model of the hub has, as the hub says within seconds; 0 if it does not say."""
    try:
        from huggingface_hub import HfApi

        stored = HfApi().model_info(name, timeout=_SECONDS).safetensors
    except Exception:  # (no package, no answer, no such model)
        return 0
    return stored.total if stored is not None else 0
