"""vLLM's own OpenAI server, started here, as one of `engine.servers`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tasks.core.errors import FlywheelError
from tasks.core.records import Message
from tasks.inference.base import Completion, Request, Weights
from tasks.inference.engines import close_shared_sampler, engine_version
from tasks.inference.sampler import VllmSampler
from tasks.inference.server import ENGINE
from tasks.models.base import cache_folder
from tasks.models.chat_format import format_of
from tasks.models.resolve import resolve_model
from tasks.settings.engine import EngineSettings
from tasks.settings.format import FormatSettings
from tasks.settings.model import ModelSettings

pytestmark = [pytest.mark.model, pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def packaged() -> Path:
    return resolve_model(ModelSettings(), cache_folder(), print)


@pytest.fixture(scope="module")
def address(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(packaged)]
    command += ["--served-model-name", "smollm", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--dtype", "float32", "--max-model-len", "256", "--max-num-batched-tokens", "8192"]
    command += ["--enforce-eager", "--no-enable-chunked-prefill", "--no-enable-prefix-caching"]
    quiet = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as file:
        server = subprocess.Popen(
            command, stdout=file, stderr=file, start_new_session=True, env={**os.environ, **quiet}
        )
    try:
        for _ in range(900):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert server.poll() is None, log.read_text()[-3000:]
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        close_shared_sampler()


def test_a_server_answers_as_the_engine_does_and_says_what_it_lacks(
    address: str, packaged: Path, tmp_path: Path
) -> None:
    chat_format = format_of(packaged, FormatSettings(format="chat"))
    messages = (Message("user", "Write a Python function that adds two numbers."),)
    shown = chat_format.render(messages)
    first = Request(
        prompt=shown.text,
        n=2,
        seed=11,
        max_tokens=24,
        temperature=0.8,
        top_k=50,
        stop=("\n\n\n",),
        prompt_ids=shown.ids,
        messages=messages,
        stop_token_ids=chat_format.stop_ids,
        is_chat=True,
        template_arguments=tuple(chat_format.arguments().items()),
    )
    requests = [first, replace(first, seed=12, n=1, top_p=0.9)]
    weights = Weights(packaged, "digest", "float32", 256)
    config = EngineSettings(servers=[address], concurrency=1, retries=0)

    def asked(config: EngineSettings) -> list[list[Completion]]:
        sampler = ENGINE.open(weights, config, tmp_path)
        try:
            return sampler.generate(requests)
        finally:
            sampler.close()

    found = asked(config)
    print(engine_version(config), found)
    assert engine_version(config).startswith("server vllm ")
    assert ", smollm" in engine_version(config)
    assert [len(parts) for parts in found] == [2, 1]
    assert found == asked(config)
    for part in (part for parts in found for part in parts):
        assert part.tokens == len(part.ids) > 1
        assert chat_format.decode(part.ids).startswith(part.text.rstrip("\n"))
    by_server = asked(config.model_copy(update={"endpoint": "chat"}))
    print(by_server)
    # The same template makes the same tokens there.
    assert [[part.ids for part in parts] for parts in by_server] == [
        [part.ids for part in parts] for parts in found
    ]
    with pytest.raises(FlywheelError, match=r"does not hold 'qwen', .* it holds smollm"):
        engine_version(config.model_copy(update={"served_model": "qwen"}))
    with pytest.raises(FlywheelError, match=r"takes 256 tokens"):
        ENGINE.open(replace(weights, max_context_tokens=512), config, tmp_path)
    engine = VllmSampler(packaged, "float32", 256, EngineSettings(cpu_kv_cache_gb=1), tmp_path)
    try:
        alone = [engine.generate([request])[0] for request in requests]
    finally:
        engine.close()
    assert alone == found
