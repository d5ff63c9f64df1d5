"""Benchmarks are asked as they publish, in the model's own format, and the answers are read for code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tasks.benchmarks.humaneval import load_humaneval
from tasks.benchmarks.mbpp import _problem as mbpp_problem
from tasks.core.records import Problem, Sample
from tasks.generation.native_prompts import has_native_prompt, native_output_prompt, native_prompt
from tasks.generation.sampling import draw_samples, parse_samples, requests_of
from tasks.inference.base import Completion, Request
from tasks.models.chat_format import ChatFormat
from tasks.settings.format import FormatSettings
from tasks.settings.sampling import SamplingSettings
from tests.models.test_chat_format import FAMILIES
from tests.support.factories import PROBLEM
from tests.support.formats import byte_tokenizer

MBPP = {
    "task_id": 20,
    "prompt": "Write a function to add two numbers.",
    "code": "def add(a, b):\n    return a + b",
    "test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"],
}
CONTEST = Problem(
    "livecodebench/1", "Print the sum.", "", "", "livecodebench", native="", preamble="import sys\n"
)
METHOD = replace(
    CONTEST, entry_point="add", signature="def add(a, b):", native="class Solution:\n    def add("
)


def base_format() -> ChatFormat:
    tokenizer = byte_tokenizer(("<bos>", "<eos>"), bos="<bos>", eos="<eos>", adds_bos=True)
    return ChatFormat(tokenizer, FormatSettings())


def mbpp() -> Problem:
    problem = mbpp_problem(MBPP)
    assert problem is not None
    return problem


def test_evalplus_asks_a_chat_model_in_a_block_and_begins_its_answer() -> None:
    chat = FAMILIES["qwen2.5"].format()
    prompt = native_prompt(mbpp(), chat)
    shown = chat.render(prompt.messages, prompt.prefill).text
    assert shown.endswith(
        "<|im_start|>user\nPlease provide a self-contained Python script that solves the following problem "
        "in a markdown code block:\n```\n"
        '"""\nWrite a function to add two numbers.\nassert add(1, 2) == 3\n"""\n```\n<|im_end|>\n'
        "<|im_start|>assistant\nBelow is a Python script with a self-contained function that solves the "
        "problem and passes corresponding tests:\n```python\n"
    )
    assert prompt.stop == ("\n```\n",)
    thinking = native_prompt(mbpp(), FAMILIES["qwen3, thinking"].format())
    assert (thinking.prefill, thinking.stop) == ("", ())


def test_a_base_model_completes_the_task_and_what_it_completes_is_part_of_its_program() -> None:
    problem = load_humaneval()[0]
    base = base_format()
    prompt = native_prompt(problem, base)
    assert base.render(prompt.messages, prompt.prefill).text == problem.native.strip() + "\n"
    assert "\ndef " in prompt.stop
    assert problem.native == problem.gold_solution[: len(problem.native)]
    body = problem.gold_solution[len(problem.native) :]
    (sample, *_) = drawn(problem, base, body)
    solutions, _, dropped = parse_samples([problem], [sample], SETTINGS)
    assert not dropped
    assert f"def {problem.entry_point}(" in solutions[0].code
    assert body.strip().splitlines()[-1] in solutions[0].code


SETTINGS = SamplingSettings(solutions=1, suites=1, low_temperature_share=0)


def drawn(problem: Problem, chat_format: ChatFormat, answer: str) -> list[Sample]:
    class Engine:
        alive = True

        def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
            return [[Completion(answer, "stop", 1)] * request.n for request in requests]

        def close(self) -> None:
            pass

    return draw_samples(Engine(), [problem], SETTINGS, 0, chat_format, native_tokens=500)


@pytest.mark.parametrize("name", ["qwen3", "llama 3.1", "gemma 3", "deepseek r1"])
def test_contests_are_asked_as_their_runner_asks(name: str) -> None:
    chat = FAMILIES[name].format()
    for problem, order, code in (
        (CONTEST, "Read the inputs from stdin solve", "# YOUR CODE HERE"),
        (METHOD, "You will use the following starter code", METHOD.native),
    ):
        prompt = native_prompt(problem, chat)
        assert [turn.role for turn in prompt.messages] == ["system", "user"]
        asked = prompt.messages[1].content
        assert asked.startswith(f"### Question:\nPrint the sum.\n\n### Format: {order}")
        assert f"```python\n{code}\n```\n\n### Answer: (use the provided format with backticks)" in asked
        assert "You are an expert Python programmer." in chat.render(prompt.messages).text
        assert prompt.stop == ()


def test_a_template_without_a_system_message_gets_it_in_the_users() -> None:
    from tests.models.test_chat_format import GEMMA, Family

    strict = Family("gemma", GEMMA, "", "<end_of_turn>", "<bos>", "<eos>").format()
    assert not strict.takes_system
    (turn,) = native_prompt(CONTEST, strict).messages
    assert turn.role == "user"
    assert turn.content.startswith("You are an expert Python programmer.")


def test_native_answers_have_room_and_tests_are_asked_for_as_in_self_play() -> None:
    chat = FAMILIES["qwen2.5"].format()
    solver, verifier = (one.request for one in requests_of(mbpp(), SETTINGS, 0, chat, native_tokens=900))
    assert (solver.max_tokens, verifier.max_tokens) == (900, SETTINGS.max_suite_tokens)
    assert not solver.keep_stop
    _, usual = (one.request for one in requests_of(mbpp(), SETTINGS, 0, chat))
    assert (verifier.messages, verifier.seed) == (usual.messages, usual.seed)
    # A problem of our own is asked for as in self-play, with room.
    assert not has_native_prompt(PROBLEM)
    own = requests_of(PROBLEM, SETTINGS, 0, chat, native_tokens=900)[0].request
    assert own.messages == requests_of(PROBLEM, SETTINGS, 0, chat)[0].request.messages
    assert own.max_tokens == 900


def test_outputs_are_asked_as_their_runner_asks() -> None:
    from tasks.core.records import Case

    problem = Problem(
        "livecodebench-output/1/0", "Add.", "add", "def add(a, b):", "livecodebench-output",
        native="def add(", gold_cases=(Case("assert add(1, 2) =="),),
    )  # fmt: skip
    asked = native_output_prompt(problem, FAMILIES["qwen3"].format()).messages[1].content
    assert asked == (
        "Problem:\nAdd.Function:\n```\ndef add(\n```\nPlease complete the following test case:\n\n"
        "```\nassert add(1, 2) == # TODO\n```\n"
    )
