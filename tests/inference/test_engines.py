from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.errors import FlywheelError
from tasks.inference import engines
from tasks.inference.base import Request
from tasks.inference.engines import close_shared_sampler, engine_of, engine_version, shared_sampler
from tasks.settings.engine import EngineSettings
from tests.test_plugins import install

ECHO = """
from tasks.inference.base import Completion, Engine

class Echo:
    alive = True

    def generate(self, requests):
        return [[Completion(request.prompt, "stop", 1)] * request.n for request in requests]

    def close(self):
        pass

ENGINE = Engine("echo", lambda settings: "echo 1", lambda weights, settings, log_folder: Echo())
"""


def test_the_kind_follows_from_what_is_set_or_is_named() -> None:
    assert engine_of(EngineSettings()).name == "vllm"
    assert engine_of(EngineSettings(replay="file")).name == "replay"
    assert engine_of(EngineSettings(servers=["http://host:1"])).name == "server"
    both = EngineSettings(replay="file", servers=["http://host:1"])
    assert engine_of(both).name == "replay"
    assert engine_of(both.model_copy(update={"kind": "server"})).name == "server"
    assert [engine_of(one).parallel(one) for one in (both, EngineSettings(replicas=3))] == [1, 3]
    with pytest.raises(FlywheelError, match=r"no engine is called 'sglang': choose among auto, vllm, server"):
        engine_of(EngineSettings(kind="sglang"))
    with pytest.raises(ValueError, match=r"kind 'server' needs an address in engine.servers"):
        EngineSettings(kind="server")
    with pytest.raises(ValueError, match=r"kind 'replay' needs a file"):
        EngineSettings(kind="replay")


def test_an_engine_of_another_package_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo_engine.py").write_text(ECHO)
    install(tmp_path, "echoes", {engines.GROUP: {"echo": "echo_engine:ENGINE"}})
    monkeypatch.syspath_prepend(str(tmp_path))
    engines.engines.cache_clear()
    try:
        settings = EngineSettings(kind="echo")
        assert engine_version(settings) == "echo 1"
        sampler = shared_sampler(tmp_path, "digest", "float32", 64, settings, tmp_path)
        assert shared_sampler(tmp_path, "digest", "float32", 64, settings, tmp_path) is sampler
        assert [one.text for one in sampler.generate([Request("say", 2, 0, 4, 1.0, 0, ())])[0]] == ["say"] * 2
    finally:
        close_shared_sampler()
        engines.engines.cache_clear()
