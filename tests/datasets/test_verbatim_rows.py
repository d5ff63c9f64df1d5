"""Rows train what was sampled: the same tokens behind the same tokens, and the program in them was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from tasks.core.errors import FlywheelError
from tasks.core.records import Sample, Solution, ids_digest
from tasks.core.rows import Pair, SftRow
from tasks.datasets.kept_problem import load_kept_problems
from tasks.datasets.preferences import Rows, rows_of
from tasks.datasets.row_filters import good_text
from tasks.execution.problem_data import join_by_problem
from tasks.filtering.decide import decide
from tasks.filtering.votes import votes_by_problem
from tasks.generation.answers import bare_code
from tasks.generation.prompts import Refusal
from tasks.generation.sampling import draw_samples, parse_samples
from tasks.generation.thinking import without_thought
from tasks.inference.base import Completion, Request
from tasks.models.base import cache_folder
from tasks.models.chat_format import ChatFormat, format_of
from tasks.models.resolve import resolve_model
from tasks.settings.agreement import AgreementSettings
from tasks.settings.format import FormatSettings
from tasks.settings.model import ModelSettings
from tasks.settings.preferences import PreferenceSettings
from tasks.settings.sampling import SamplingSettings
from tasks.training.token_rows import plan_dpo, plan_sft
from tests.support.factories import PROBLEM, behaviour_of
from tests.support.formats import byte_tokenizer, published_template

# The real tokenizer of SmolLM2 is of a model that may have to be built first.
pytestmark = pytest.mark.model
RIGHT = [
    "Here it is:\n\n```python\nimport math\n\n\ndef add(a, b):\n"
    "    return int(math.fsum([a, b]))\n```\nIt sums.",
    "```python\nclass Sum:\n    def of(self, a, b):\n        return a + b\n\n\ndef add(a, b):\n"
    "    return Sum().of(a, b)\n```",
    "```python\ndef helper(a, b):\n    return a + b\n\n\ndef add(a, b):\n    return helper(a, b)\n```",
    "```python\ndef add(a, b):\n    return sum([a, b])\n```",
]
WRONG = [
    "```python\ndef add(a, b):\n    return a * b\n```",
    "```python\ndef add(a, b):\n    return a - b\n```",
]
TESTS = [
    "The asserts:\n```python\nassert add(1, 2) == 3\nassert add(10**1, 0x1) == 1_1\n```",
    "```python\nassert add(2, 2) == 4\nassert add(1, 5) == 7\n```",
    "```python\nassert add(3, 5) == 8\nassert add(0, 1) == 1\nassert add(1, 1 == 2\n```",
]
THOUGHT = "def add(a, b):\n    return 'a draft'"


@dataclass
class Recorded:
    """An engine that answers from a list, token by token as no tokenizer would: a byte of the text each."""

    chat_format: ChatFormat
    before: str = ""
    behind: tuple[int, ...] = ()
    alive: bool = True

    def generate(self, requests: Sequence[Request]) -> list[list[Completion]]:
        return [self._answers(request) for request in requests]

    def close(self) -> None:
        pass

    def _answers(self, request: Request) -> list[Completion]:
        texts = TESTS if "asserts" in request.messages[-1].content else RIGHT + WRONG
        texts = [self.before + text.removeprefix(request.prefill) for text in texts[: request.n]]
        if self.chat_format.prefill != "none":
            # A base model stops at the end of the block.
            texts = [text[: text.index("```", len(self.before) + 3) + 3] if "```" in text else text
                     for text in (one.partition("```python\n")[2] or one for one in texts)]  # fmt: skip
        return [Completion(text, "stop", 0, self._ids(text)) for text in texts]

    def _ids(self, text: str) -> tuple[int, ...]:
        encode = self.chat_format.tokenizer
        ids = [token for letter in text for token in encode(letter, add_special_tokens=False)["input_ids"]]
        return (*ids, *(self.behind or (self.chat_format.end_id,)))


def smollm2(settings: FormatSettings) -> ChatFormat:
    return format_of(resolve_model(ModelSettings(), cache_folder(), print), settings)


def qwen3(settings: FormatSettings) -> ChatFormat:
    marks = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    words = ("<think>", "</think>")
    return ChatFormat(byte_tokenizer(marks, template=published_template("qwen3"), words=words), settings)


def base(settings: FormatSettings) -> ChatFormat:
    return ChatFormat(byte_tokenizer(("<bos>", "<eos>"), bos="<bos>", eos="<eos>", adds_bos=True), settings)


FORMATS = {
    "chat": (smollm2, {}, ""),
    "completion": (base, {}, ""),
    "thinking kept": (qwen3, {"thinking": "keep"}, f"<think>\n{THOUGHT}\n</think>\n\n"),
    "thinking dropped": (qwen3, {"thinking": "drop"}, f"<think>\n{THOUGHT}\n</think>\n\n"),
}


def settings_of(**own: object) -> SamplingSettings:
    return SamplingSettings.model_validate(
        {
            "solutions": 6,
            "suites": 3,
            "cases_per_suite": 2,
            "low_temperature_share": 0,
            "max_context_tokens": 8192,
            **own,
        }
    )


def made(engine: Recorded, settings: SamplingSettings) -> tuple[list[Sample], Rows, list[Solution]]:
    samples = draw_samples(engine, [PROBLEM], settings, 0, engine.chat_format)
    solutions, suites, _ = parse_samples([PROBLEM], samples, settings)
    behaviours = [behaviour_of(one, suites) for one in solutions]
    rule = AgreementSettings(
        min_votes=2, min_vote_share=0, min_score_share=0, min_margin=1, min_outputs=1, pair_votes=2
    )
    joined = join_by_problem([PROBLEM], solutions, suites, behaviours, samples)
    (votes,) = votes_by_problem(joined, with_reference=False)
    kept = load_kept_problems(joined, [], [decide(votes, rule)], settings)
    everything = PreferenceSettings(
        sft_per_problem=8, pairs_per_problem=4, max_non_killing_share=1, max_crash_share=1
    )
    return samples, rows_of(kept, settings.cases_per_suite, everything, 0), solutions


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_is_the_sampled_tokens_behind_the_prompt_they_were_sampled_with(name: str) -> None:
    make, own, before = FORMATS[name]
    settings = settings_of(**own)
    chat_format = make(settings)
    samples, rows, solutions = made(Recorded(chat_format, before), settings)
    sample_of = {sample.sample_id: sample for sample in samples}
    code_of = {solution.solution_id: solution for solution in solutions}
    assert {row.role for row in rows.sft} == {row.role for row in rows.pairs} == {"solver", "verifier"}
    sampled = [row for row in rows.sft if not row.recombined]
    assert {row.role for row in sampled} == {"solver", "verifier"}
    for row in sampled:
        sample = sample_of[row.sources[1]]
        prompt = chat_format.render(sample.messages, sample.prefill)
        assert (ids_digest(prompt.ids), prompt.text) == (sample.prompt_digest, sample.prompt)
        taught = sample.completion_ids
        if name == "thinking dropped":
            shown = chat_format.decode(taught)
            assert THOUGHT in shown
            assert chat_format.decode(taught[: sample.thought_tokens]) == before
            taught = taught[sample.thought_tokens :]
        (planned,) = plan_sft([row], chat_format, 10_000, 0).rows
        assert planned["input_ids"] == [*prompt.ids, *taught]
        assert planned["input_ids"][-1] == chat_format.end_id
        assert planned["labels"] == [*[-100] * len(prompt.ids), *taught]
        if row.role == "solver":
            # The program in the row is the one that was judged, and the thought's is not read.
            judged = code_of[row.sources[0]].code
            answer = without_thought(replace(sample, completion=row.completion), settings)
            assert bare_code(row.prefill + str(answer), "add") == judged
            assert good_text(row) == judged.strip()
    assert len({row.prompt_digest for row in rows.sft if row.role == "verifier"}) == 1
    for pair in rows.pairs:
        (planned,) = plan_dpo([pair], chat_format, 10_000, 0).rows
        prompt = chat_format.render(pair.messages, pair.prefill)
        assert planned["prompt_ids"] == list(prompt.ids)
        assert planned["rejected_ids"] == list(chat_format.ended(pair.rejected_ids))
        assert pair.rejected_ids
        assert pair.recombined != bool(pair.chosen_ids)
        if pair.role == "verifier":
            assert pair.lesson.count("assert") == pair.rejected_lesson.count("assert")


def test_recombined_suites_are_written_in_the_words_of_the_model() -> None:
    settings = settings_of()
    chat_format = smollm2(settings)
    _, rows, *_ = made(Recorded(chat_format), settings)
    recombined = [row for row in rows.sft if row.recombined]
    assert recombined
    assert any("10**1" in row.completion and "1_1" in row.completion for row in recombined)
    for row in recombined:
        assert row.completion.startswith("```python\nassert add(")
        (planned,) = plan_sft([row], chat_format, 10_000, 0).rows
        shown = row.prompt + row.completion + "<|im_end|>"
        assert chat_format.decode(planned["input_ids"]) == shown


def test_what_no_row_can_be_made_of_is_dropped_with_its_reason() -> None:
    settings = settings_of()
    chat_format = smollm2(settings)
    _, rows, _ = made(Recorded(chat_format), settings)
    assert [row.reason for row in rows.dropped if row.kind == "suite" and "unjudged" in row.reason] == [
        "unjudged_tests"
    ]

    @dataclass
    class CutOff(Recorded):
        def _answers(self, request: Request) -> list[Completion]:
            return [replace(one, finish_reason="length") for one in super()._answers(request)]

    _, rows, *_ = made(CutOff(chat_format), settings)
    assert not [row for row in rows.sft if not row.recombined]
    assert {row.reason for row in rows.dropped if row.kind == "solution"} >= {"cut_off"}


def test_a_row_whose_prompt_has_other_tokens_now_is_not_trained_on() -> None:
    settings = settings_of()
    chat_format = smollm2(settings)
    row = made(Recorded(chat_format), settings)[1].sft[0]
    changed = smollm2(settings.model_copy(update={"system": "Be brief."}))
    with pytest.raises(FlywheelError, match=r"sampled from other tokens .*sample again with these"):
        plan_sft([row], changed, 10_000, 0)


def test_budgets_of_thought_and_answer_are_apart() -> None:
    thought = f"<think>\n{THOUGHT}\n</think>\n\n"
    settings = settings_of(thinking="keep", max_thought_tokens=len(thought) + 2, max_solution_tokens=40)
    chat_format = qwen3(settings)
    engine = Recorded(chat_format, thought)
    samples = draw_samples(engine, [PROBLEM], settings, 0, chat_format)
    solver = [sample for sample in samples if sample.role == "solver"]
    assert {request.max_tokens for request in _requests(engine, settings) if request.n == 6} == {
        settings.max_thought_tokens + 40
    }
    # The first is longer than an answer may be, whatever the thought before it left.
    assert (solver[0].finish_reason, len(solver[0].completion_ids)) == (
        "length",
        solver[0].thought_tokens + 40,
    )
    less = settings.model_copy(update={"max_thought_tokens": 20})
    short = draw_samples(engine, [PROBLEM], less, 0, chat_format)
    assert {sample.finish_reason for sample in short} == {"thought_too_long"}
    _, _, dropped = parse_samples([PROBLEM], short, less)
    assert {row.reason for row in dropped} == {"thought_too_long"}
    assert "raise sampling.max_thought_tokens" in dropped[0].detail


def test_a_thought_that_is_forbidden_is_its_own_reason_and_one_that_never_ends_is_no_code() -> None:
    settings = settings_of()
    chat_format = qwen3(settings)

    def drawn(before: str) -> list[Sample]:
        return draw_samples(Recorded(chat_format, before), [PROBLEM], settings, 0, chat_format)

    thinking = drawn(f"<think>\n{THOUGHT}\n</think>\n")
    assert without_thought(thinking[0], settings) == Refusal("thought_forbidden", THOUGHT)
    assert without_thought(drawn("<think>\n\n</think>\n\n")[0], settings) == RIGHT[0]
    endless = drawn(f"<think>\n{THOUGHT}\n")
    solutions, suites, dropped = parse_samples([PROBLEM], endless, settings)
    assert not solutions
    assert not suites
    assert {row.reason for row in dropped} == {"thought_forbidden"}


def test_a_servers_thought_comes_apart_and_is_put_where_the_template_has_it() -> None:
    settings = settings_of(thinking="keep")
    chat_format = qwen3(settings)

    @dataclass
    class Server(Recorded):
        def _answers(self, request: Request) -> list[Completion]:
            return [replace(one, ids=(), thought=THOUGHT) for one in super()._answers(request)]

    _, rows, *_ = made(Server(chat_format), settings)
    solver = [row for row in rows.sft if row.role == "solver"]
    assert solver
    assert all(row.completion.startswith(f"<think>\n{THOUGHT}\n</think>\n\n") for row in solver)
    (planned,) = plan_sft(solver[:1], chat_format, 10_000, 0).rows
    assert chat_format.decode(planned["input_ids"]).endswith(f"{solver[0].completion}<|im_end|>")


def _requests(engine: Recorded, settings: SamplingSettings) -> list[Request]:
    from tasks.generation.sampling import requests_of

    return [asked.request for asked in requests_of(PROBLEM, settings, 0, engine.chat_format)]


def test_rows_hold_what_a_program_needs_to_read_them() -> None:
    for record in (SftRow, Pair):
        fields = set(record.__dataclass_fields__)
        assert {"messages", "prefill", "prompt_digest", "lesson"} <= fields


def test_a_servers_thought_is_seen_where_thoughts_are_forbidden() -> None:
    settings = settings_of()
    chat_format = qwen3(settings)

    @dataclass
    class Server(Recorded):
        def _answers(self, request: Request) -> list[Completion]:
            return [replace(one, ids=(), thought=THOUGHT) for one in super()._answers(request)]

    samples = draw_samples(Server(chat_format), [PROBLEM], settings, 0, chat_format)
    solutions, suites, dropped = parse_samples([PROBLEM], samples, settings)
    assert (solutions, suites) == ([], [])
    assert {row.reason for row in dropped} == {"thought_forbidden"}
