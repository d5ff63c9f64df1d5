from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.core import progress
from tasks.core.errors import FlywheelError
from tasks.inference import sampler
from tasks.inference.base import Completion, Request
from tasks.inference.engines import close_shared_sampler, shared_sampler
from tasks.inference.replay import ReplaySampler
from tasks.inference.sampler import VllmSampler, memory_hint
from tasks.settings.engine import EngineSettings
from tasks.settings.model import ModelSettings

FAKE = str(Path(__file__).parents[1] / "support" / "fake_vllm")
ASK = Request("tell", 2, 7, 16, 0.5, 40, ("\n\n",))


def prompt(text: str, n: int = 1) -> Request:
    return replace(ASK, prompt=text, n=n)


def gone(pid: int) -> bool:
    """Whether a process ends within some seconds (a zombie that nobody reaps has ended)."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", FAKE)


@pytest.fixture
def engine(fake: None, tmp_path: Path) -> Iterator[VllmSampler]:
    engine = VllmSampler(tmp_path, "float32", 40, EngineSettings(), tmp_path)
    yield engine
    engine.close()


def told(engine: VllmSampler) -> dict[str, Any]:
    answer: dict[str, Any] = ast.literal_eval(engine.generate([ASK])[0][0].text)
    return answer


def test_replay_answers_in_order_and_in_a_circle() -> None:
    replay = ReplaySampler({"a": ["x", "y z"], "b": ["w"]})
    answers = replay.generate([prompt("b"), prompt("a", 3)])
    assert [[part.text for part in parts] for parts in answers] == [["w"], ["x", "y z", "x"]]
    assert answers[1][1] == Completion("y z", "stop", 2)
    with pytest.raises(FlywheelError, match="no recorded completion"):
        replay.generate([prompt("c")])


def test_replay_reads_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "recorded.jsonl"
    path.write_text('{"prompt": "a", "completions": ["1"]}\n{"prompt": "a", "completions": ["2"]}\n')
    assert [part.text for part in ReplaySampler.from_jsonl(path).generate([prompt("a", 2)])[0]] == ["1", "2"]
    path.write_text('{"prompt": "a"}\n')
    with pytest.raises(FlywheelError, match="line 1"):
        ReplaySampler.from_jsonl(path)


def test_requests_reach_the_engine_and_completions_come_back_in_order(engine: VllmSampler) -> None:
    assert engine.generate([]) == []
    answers = engine.generate([prompt("one"), prompt("two", 3)])
    assert [[part.text for part in parts] for parts in answers] == [["one"], ["two"] * 3]
    asked = told(engine)["asked"]
    assert asked == {
        "n": 2,
        "seed": 7,
        "max_tokens": 16,
        "temperature": 0.5,
        "top_k": 40,
        "stop": ["\n\n"],
        "top_p": 1.0,
        "min_p": 0.0,
        "stop_token_ids": [],
        "include_stop_str_in_output": False,
        "skip_special_tokens": True,
    }


def test_every_batch_starts_with_an_empty_prefix_cache(engine: VllmSampler) -> None:
    assert [told(engine)["resets"], told(engine)["resets"]] == [1, 2]


def test_the_engine_tells_how_much_of_a_slow_batch_is_done(engine: VllmSampler) -> None:
    shares: list[float] = []

    class Watched(progress.Progress):
        def part(self, share: float) -> None:
            shares.append(share)

    token = progress._current.set(Watched("sample", print))
    try:
        answers = engine.generate([prompt(f"SLOW {n}") for n in range(3)])
    finally:
        progress._current.reset(token)
    assert [part[0].text for part in answers] == ["SLOW 0", "SLOW 1", "SLOW 2"]
    assert shares == [0.3333, 0.6667, 1.0]


def test_a_prompt_that_does_not_fit_costs_only_itself(engine: VllmSampler) -> None:
    long, short = engine.generate([prompt("x" * 40, 2), prompt("y" * 35)])
    assert long == [Completion("", "prompt_too_long", 0)] * 2
    assert short[0].finish_reason == "stop"


def test_close_ends_the_engine_and_its_workers(engine: VllmSampler) -> None:
    pids = told(engine)
    engine.close()
    engine.close()
    assert gone(pids["pid"])
    assert gone(pids["worker"])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("RAISE", "RuntimeError: boom"),
        ("EXIT", "exit code 3"),
        ("KILL", "signal 9.*out of memory"),
    ],
)
def test_an_engine_that_fails_says_so_and_leaves_nothing(
    engine: VllmSampler, word: str, message: str
) -> None:
    pids = told(engine)
    with pytest.raises(FlywheelError, match=message):
        engine.generate([prompt(word)])
    assert not engine.alive
    assert gone(pids["pid"])
    assert gone(pids["worker"])


@pytest.mark.parametrize(
    ("word", "timeout", "message"),
    [
        ("RAISE", 60, "(?s)exit code 1.*boom"),
        ("MEMORY", 60, "(?s)out of memory, or.*Tried to allocate"),
        (
            "NODE",
            60,
            r"1\.2 of 15\.61 GiB of memory are free, .*: lower engine.cpu_kv_cache_gb, or free memory",
        ),
        ("HANG", 10, "did not start within 10 s"),
    ],
)
def test_an_engine_that_does_not_start(
    fake: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, timeout: int, message: str
) -> None:
    monkeypatch.setenv("FAKE_VLLM_START", word)
    with pytest.raises(FlywheelError, match=message):
        VllmSampler(tmp_path, "float32", 40, EngineSettings(start_timeout_s=timeout), tmp_path)


def test_memory_that_vllm_finds_too_small_names_the_setting_that_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "ValueError: Available memory on node 0 (2.0/15.6 GiB) on "
    startup = "startup is less than desired CPU memory utilization (0.85, 13.26 GiB). On the CPU backend, ..."
    assert "lower engine.gpu_memory_utilization" in memory_hint(1, text + startup)
    cache = "kv cache allocation is less than requested memory for kv (4.0 GiB). Decrease ..."
    assert "lower engine.cpu_kv_cache_gb" in memory_hint(1, text + cache)
    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)
    assert sampler._environment(EngineSettings(cpu_kv_cache_gb=4))["VLLM_CPU_KVCACHE_SPACE"] == "4"
    # What vLLM advises to set is not overwritten.
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    assert sampler._environment(EngineSettings(cpu_kv_cache_gb=4))["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert "lower VLLM_CPU_KVCACHE_SPACE in the environment" in memory_hint(1, text + cache)
    assert memory_hint(1, "ValueError: something else") == ""
    assert "something killed it" in memory_hint(-9, "")


def test_the_engine_ends_with_its_parent(fake: None, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tasks.inference.sampler import *\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "engine = VllmSampler(folder, 'float32', 40, EngineSettings(), folder)\n"
        f"print(engine.generate([{ASK!r}])[0][0].text, flush=True)\n"
        "engine.generate([Request('HANG', 1, 0, 4, 1.0, 0, ())])"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = ast.literal_eval(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone(pids["pid"])
    assert gone(pids["worker"])


def test_one_engine_serves_the_same_weights_and_others_replace_it(fake: None, tmp_path: Path) -> None:
    settings = EngineSettings()
    try:
        first = shared_sampler(tmp_path, "digest-a", "float32", 40, settings, tmp_path)
        assert shared_sampler(tmp_path, "digest-a", "float32", 40, settings, tmp_path) is first
        second = shared_sampler(tmp_path, "digest-b", "float32", 40, settings, tmp_path)
        assert second is not first
        assert isinstance(first, VllmSampler)
        assert not first.alive
        with pytest.raises(FlywheelError):
            second.generate([prompt("EXIT")])
        third = shared_sampler(tmp_path, "digest-b", "float32", 40, settings, tmp_path)
        assert third is not second
    finally:
        close_shared_sampler()
    assert isinstance(third, VllmSampler)
    assert not third.alive


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tasks.models.base import cache_folder
    from tasks.models.resolve import resolve_model

    return resolve_model(ModelSettings(), cache_folder(), print)


@pytest.mark.model
def test_the_same_requests_give_the_same_completions_cold_and_warm(packaged: Path, tmp_path: Path) -> None:
    start = "def add(a, b):\n    return a"
    requests = [Request(start + " " * (index % 3), 4, index, 12, 0.8, 50, ("\n\n",)) for index in range(16)]
    others = [Request("import math\n", 3, 5, 20, 1.0, 0, ())]
    engine = VllmSampler(packaged, "float32", 256, EngineSettings(cpu_kv_cache_gb=1), tmp_path)
    try:
        cold = engine.generate(requests)
        engine.generate(others)
        assert engine.generate(requests) == cold
    finally:
        engine.close()
    texts = {part.text for parts in cold for part in parts}
    assert len(texts) > 8
    assert any("b" in text for text in texts)
    assert {part.finish_reason for parts in cold for part in parts} <= {"stop", "length"}


@pytest.mark.soak
def test_without_a_limit_the_models_own_counts_and_no_prompt_is_split(tiny: Path, tmp_path: Path) -> None:
    """Sixty prompts of 300 tokens are more than an engine takes in a step."""
    requests = [Request(f"{number} x" * 150, 1, number, 4, 0.8, 50, ()) for number in range(60)]
    engine = VllmSampler(tiny, "float32", 0, EngineSettings(cpu_kv_cache_gb=1), tmp_path)
    try:
        answers = engine.generate([*requests, Request("x y" * 3000, 1, 0, 4, 0.8, 50, ())])
    finally:
        engine.close()
    assert {part.finish_reason for parts in answers[:-1] for part in parts} <= {"stop", "length"}
    assert answers[-1][0].finish_reason == "prompt_too_long"


@pytest.mark.soak
def test_a_kv_cache_that_does_not_fit_is_said_in_a_sentence(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(FlywheelError, match=r"GiB of memory are free.*: lower engine.cpu_kv_cache_gb"):
        VllmSampler(tiny, "float32", 256, EngineSettings(cpu_kv_cache_gb=1024), tmp_path)
