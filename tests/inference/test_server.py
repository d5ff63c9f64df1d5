from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core import progress
from tasks.core.errors import FlywheelError
from tasks.core.records import Message
from tasks.inference.base import Completion, Request, Weights
from tasks.inference.engines import close_shared_sampler, engine_of, engine_version, shared_sampler
from tasks.inference.server import ENGINE
from tasks.inference.server_calls import HalfAnswerError, ServerKind, body_of, completions_of, held_models
from tasks.settings.engine import EngineSettings
from tests.support.openai_server import Fault, OpenAiServer, openai_server

ASK = Request(
    "write it", 2, 7, 16, 0.5, 40, ("\n\n",), prompt_ids=(5, 6, 7), messages=(Message("user", "w"),)
)
PLAIN = [{"id": "base", "owned_by": "somebody"}]


def settings_for(*servers: OpenAiServer, **more: object) -> EngineSettings:
    given = {"servers": [one.address for one in servers], "retries": 2, "concurrency": 4, **more}
    return EngineSettings.model_validate(given)


def weights(folder: Path, longest: int = 64) -> Weights:
    return Weights(folder, "digest", "float32", longest)


def asked(
    requests: Sequence[Request], config: EngineSettings, folder: Path = Path("base"), longest: int = 64
) -> list[list[Completion]]:
    sampler = ENGINE.open(weights(folder, longest), config, folder)
    try:
        return sampler.generate(requests)
    finally:
        sampler.close()


@pytest.fixture(autouse=True)
def _asked_anew() -> object:
    yield
    close_shared_sampler()


def test_a_prompt_goes_as_its_tokens_with_everything_that_decides_about_samples(tmp_path: Path) -> None:
    with openai_server() as server:
        first, second = asked([ASK], settings_for(server))[0]
    assert server.paths == ["/v1/completions"]
    assert server.asked == [
        {
            "model": "base",
            "prompt": [5, 6, 7],
            "n": 2,
            "seed": 7,
            "max_tokens": 16,
            "temperature": 0.5,
            "top_p": 1.0,
            "stream": False,
            "stop": ["\n\n"],
            "top_k": 40,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "stop_token_ids": [],
            "skip_special_tokens": True,
            "include_stop_str_in_output": False,
            "return_token_ids": True,
        }
    ]
    assert first.text != second.text
    assert first.finish_reason == "stop"
    assert (len(first.ids), first.tokens) == (5, 5)


def test_a_conversation_goes_as_messages_where_a_server_does_not_take_tokens(tmp_path: Path) -> None:
    chat = Request(**{**_fields(ASK), "is_chat": True, "system": "Be brief.", "top_k": 0})
    with openai_server(PLAIN) as server:
        found = asked([chat], settings_for(server))[0]
    assert server.paths == ["/v1/chat/completions"]
    assert server.asked[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "w"},
    ]
    # A server that only knows the common core refuses what stands beside it.
    assert not {"top_k", "min_p", "return_token_ids", "chat_template_kwargs"} & server.asked[0].keys()
    assert [one.thought for one in found] == ["why 0", "why 1"]


def test_the_endpoint_can_be_chosen_and_a_prefill_is_gone_on_with(tmp_path: Path) -> None:
    chat = Request(
        **{**_fields(ASK), "prefill": "def f", "template_arguments": (("enable_thinking", False),)}
    )
    with openai_server() as server:
        asked([chat], settings_for(server, endpoint="chat"))
    body = server.asked[0]
    assert body["messages"][-1] == {"role": "assistant", "content": "def f"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    with (
        openai_server(PLAIN) as server,
        pytest.raises(FlywheelError, match=r"set sampling.prefill to 'none'"),
    ):
        asked([chat], settings_for(server, endpoint="chat"))
    with openai_server(PLAIN) as server:
        asked([chat], settings_for(server))
    assert server.asked[0]["prompt"] == "write it"


def _fields(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in Request.__slots__}


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=8), st.integers(1, 5), st.integers(0, 2**31 - 1)), max_size=12),
    st.sampled_from([1, 2, 99]),
    st.lists(st.sampled_from([429, 503, "half", "drop", "no json", "no choices", "no end"]), max_size=2),
)
def test_output_does_not_depend_on_how_many_servers_answer(
    plan: list[tuple[str, int, int]], most: int, faults: list[Fault]
) -> None:
    """Nor on what they were short of at first, nor on how many completions they give at once."""
    requests = [Request(text, n, seed, 16, 0.8, 0, ()) for text, n, seed in plan]
    found = []
    for count in (1, 2, 3):
        with ExitStack() as stack:
            servers = [
                stack.enter_context(openai_server(faults=faults if not place else (), gives_at_most=most))
                for place in range(count)
            ]
            found.append(asked(requests, settings_for(*servers, retries=3)))
    assert [len(parts) for parts in found[0]] == [n for _, n, _ in plan]
    assert found[0] == found[1] == found[2]
    whole = [Request(text, 1, seed + 1, 16, 0.8, 0, ()) for text, n, seed in plan if n > 1]
    with openai_server() as server:
        again = [part[0] for part in asked(whole, settings_for(server))]
    assert again == [parts[1] for parts in found[0] if len(parts) > 1]


def test_no_more_is_under_way_at_once_than_is_set(tmp_path: Path) -> None:
    with openai_server() as server:
        server.pause_s = 0.05
        asked([ASK] * 12, settings_for(server, concurrency=3))
    assert 1 < server.most_at_once <= 3
    assert len(server.asked) == 12


def test_a_server_that_is_gone_leaves_its_requests_to_the_others(tmp_path: Path) -> None:
    with openai_server(faults=["drop"], forever=True) as broken, openai_server() as whole:
        config = settings_for(broken, whole, retries=0, concurrency=1)
        broken_first = asked([ASK] * 6, config)
    with openai_server() as alone:
        assert asked([ASK] * 6, settings_for(alone)) == broken_first
    assert len(broken.asked) == 1
    assert len(whole.asked) == 6


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([429], r"did not answer 3 times in a row \(it answers 429: fault 429\): lower engine.concurrency"),
        ([503], r"did not answer 3 times in a row \(it answers 503: fault 503\): see its log"),
        (["drop"], r"3 times in a row \(the connection was lost: .*\): start it, or correct engine.servers"),
        (["half"], r"3 times in a row \(the connection was lost: .*\)"),
        (["no json"], r"3 times in a row \(its answer is no JSON\)"),
        (["no choices"], r"answers by halves \(it holds no completions\)"),
        (["no end"], r"answers by halves \(a completion has no end\)"),
        ([401], r"refuses the key \(401\): set engine.key_variable to the name of the environment variable"),
        ([404], r"\(404: fault 404\); it holds base: set engine.served_model to a model that it holds"),
        ([400], r"refuses what it is asked for \(400: fault 400\): see its log"),
    ],
)
def test_trouble_that_does_not_pass_is_one_sentence(
    tmp_path: Path, faults: list[Fault], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.inference.address._FIRST_PAUSE_S", 0.01)
    with openai_server(faults=faults, forever=True) as server:
        with pytest.raises(FlywheelError, match=message) as caught:
            asked([ASK] * 3, settings_for(server))
        assert "\n" not in str(caught.value)
        # When it is over the same run goes on.
        server.faults = []
        assert len(asked([ASK], settings_for(server))[0]) == 2


def test_a_pause_that_a_server_asks_for_is_made(tmp_path: Path) -> None:
    began = time.monotonic()
    with openai_server(faults=[429], retry_after="2") as server:
        asked([ASK], settings_for(server))
    assert time.monotonic() - began >= 2
    assert len(server.asked) == 2


def test_the_wait_for_a_busy_server_is_told(tmp_path: Path) -> None:
    told: list[str] = []

    class Watched(progress.Progress):
        def doing(self, activity: str) -> None:
            told.append(activity)

    token = progress._current.set(Watched("sample", print))
    try:
        with openai_server(faults=[429], retry_after="2") as server:
            asked([ASK], settings_for(server))
    finally:
        progress._current.reset(token)
    assert f"waiting for {server.address} (it answers 429: fault 429)" in told
    assert told[-1] == ""


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with openai_server() as gone, openai_server() as there:
        pass
    with pytest.raises(FlywheelError, match=rf"the server {gone.address} did not answer \(no connection"):
        engine_version(settings_for(gone, retries=0))
    with openai_server() as there:
        config = settings_for(gone, there, retries=0)
        assert engine_version(config) == "server vllm 9.9, base"
        assert len(asked([ASK], config)[0]) == 2


def test_what_answers_is_the_software_and_the_model_and_no_address(tmp_path: Path) -> None:
    model = {"id": "tiny", "owned_by": "vllm", "root": "/models/Tiny-1B", "max_model_len": 64}
    with openai_server([model]) as one, openai_server([model]) as two:
        assert engine_version(settings_for(one)) == "server vllm 9.9, tiny, Tiny-1B"
        assert engine_version(settings_for(one, two)) == engine_version(settings_for(two))
        two.version = "9.8"
        close_shared_sampler()
        with pytest.raises(FlywheelError, match=r"9\.9, tiny.* and .*9\.8, tiny.* differ"):
            engine_version(settings_for(one, two))


def test_a_model_that_is_not_held_is_named_beside_those_that_are(tmp_path: Path) -> None:
    models = [{"id": "a", "owned_by": "vllm"}, {"id": "b", "owned_by": "vllm"}]
    with openai_server(models) as server:
        with pytest.raises(FlywheelError, match=r"does not hold 'c', .* it holds a, b"):
            engine_version(settings_for(server, served_model="c"))
        with pytest.raises(FlywheelError, match=r"holds a, b: name the base model in engine.served_model"):
            engine_version(settings_for(server))
        asked([ASK], settings_for(server, served_model="b"))
    assert server.asked[0]["model"] == "b"


def test_a_trained_model_is_asked_for_by_its_folder_or_is_missed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / ".model.training.json").write_text("{}")
    with openai_server() as server:
        with pytest.raises(FlywheelError, match=rf"holds base, but not the trained model {folder}"):
            asked([ASK], settings_for(server), folder)
        server.models = [{"id": "mine", "owned_by": "vllm", "root": str(folder)}]
        asked([ASK], settings_for(server), folder)
    assert server.asked[0]["model"] == "mine"


def test_a_prompt_that_does_not_fit_costs_only_itself(tmp_path: Path) -> None:
    long = Request("x", 2, 0, 16, 0.5, 0, (), prompt_ids=tuple(range(64)))
    with openai_server() as server:
        nothing, short = asked([long, ASK], settings_for(server))
        assert nothing == [Completion("", "prompt_too_long", 0)] * 2
        assert len(short) == 2
        assert len(server.asked) == 1
        with pytest.raises(FlywheelError, match=r"takes 2048 tokens .* lower it, or start the server with"):
            asked([ASK], settings_for(server), longest=4096)
        server.models = [{"id": "base", "owned_by": "vllm"}]
        asked([ASK], settings_for(server), longest=10)
    # Prompt and completion share the context.
    assert server.asked[-1]["max_tokens"] == 7


def test_a_key_is_sent_and_stands_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THEIR_KEY", "sk-very-secret")
    with openai_server(key="sk-very-secret") as server:
        config = settings_for(server, key_variable="THEIR_KEY")
        assert len(asked([ASK], config)[0]) == 2
        told = [engine_version(config), config.model_dump_json()]
        with pytest.raises(FlywheelError, match="refuses the key") as caught:
            engine_of(settings_for(server)).check(settings_for(server))
        told.append(str(caught.value))
        monkeypatch.setenv("THEIR_KEY", "sk-other-secret")
        close_shared_sampler()
        with pytest.raises(FlywheelError, match="put another key into THEIR_KEY") as caught:
            engine_of(config).check(config)
        told.append(str(caught.value))
    told += capfd.readouterr()
    assert not any("secret" in text for text in told)
    monkeypatch.delenv("THEIR_KEY")
    with pytest.raises(FlywheelError, match=r"THEIR_KEY, which engine.key_variable names, holds no key"):
        engine_of(config).check(config)


@pytest.mark.parametrize("address", ["http://me:secret@host/v1", "https://host/v1?key=secret"])
def test_a_key_in_an_address_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(ValueError, match="no key belongs into an address") as caught:
        EngineSettings(servers=[address])
    first = caught.value.errors()[0]  # type: ignore[attr-defined]
    assert "secret" not in first["msg"]
    assert isinstance(first["input"], dict)


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://host", "http://", "http://host:0"])
def test_an_address_is_one(address: str) -> None:
    with pytest.raises(ValueError, match="begins with http:// or https://"):
        EngineSettings(servers=[address])


def test_the_shared_engine_is_opened_again_when_no_server_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.inference.address._FIRST_PAUSE_S", 0.01)
    with openai_server(faults=[503], forever=True) as server:
        config = settings_for(server)
        first = shared_sampler(tmp_path, "digest", "float32", 64, config, tmp_path)
        with pytest.raises(FlywheelError):
            first.generate([ASK])
        assert not first.alive
        server.faults = []
        second = shared_sampler(tmp_path, "digest", "float32", 64, config, tmp_path)
        assert second is not first
        assert len(second.generate([ASK])[0]) == 2
        assert shared_sampler(tmp_path, "digest", "float32", 64, config, tmp_path) is second


def test_what_servers_say_of_themselves() -> None:
    llama = {"id": "m.gguf", "owned_by": "llamacpp", "meta": {"n_params": 134, "size": 99}}
    software, models = held_models({"data": [llama]})
    assert (software, models[0].size) == ("llama.cpp", "134,99")
    body = body_of(ASK, "m", 1, 0, 4, False, ServerKind("llama.cpp", "b1"))
    # From its cache it would compute other last bits.
    assert (body["cache_prompt"], body["prompt"]) == (False, [5, 6, 7])
    assert held_models({"data": [{"id": "x", "owned_by": "sglang"}]})[0] == "sglang"
    unreadable: list[Any] = [None, [], {"data": 3}, {"data": [{}]}]
    for listing in unreadable:
        with pytest.raises(HalfAnswerError):
            held_models(listing)


def test_tokens_that_are_counted_together_are_shared_out() -> None:
    choices = [{"index": i, "text": "t", "finish_reason": "length"} for i in range(3)]
    answer = json.loads(json.dumps({"choices": choices, "usage": {"completion_tokens": 10}}))
    assert [one.tokens for one in completions_of(answer, chat=False)] == [3, 3, 4]
    empty = {"choices": [{"message": {"content": None, "reasoning": "so"}, "finish_reason": "length"}]}
    assert completions_of(empty, chat=True) == [Completion("", "length", 0, (), "so")]
