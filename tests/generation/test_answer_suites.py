"""The same tests come out of an answer whatever stands around them; hostile texts cost what they are long."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Callable

import pytest

from tasks.core import fragments
from tasks.core.fragments import work_for
from tasks.generation import blocks
from tasks.generation.answers import bare_code, bare_tests, parse_suite
from tasks.generation.blocks import read_blocks
from tasks.generation.prompts import Prompt, Refusal
from tasks.generation.reasoning import without_reasoning
from tasks.testcode.split import split_tests
from tests.generation.test_answer_styles import fenced, session

SOLUTION = "def f(x, y=0):\n    return x"
FREE = Prompt((), "", ())
TESTS = ["assert f(1) == 2", 'assert f("a", 10**6) == [1, 2]', "assert f(0) is None"]
SUITES = {
    "plain": "\n".join(TESTS),
    "function": "def test_f():\n" + textwrap.indent("\n".join(TESTS), "    "),
    "functions": "\n\n".join(f"def test_{n}():\n    {test}" for n, test in enumerate(TESTS)),
    "class": "class TestF:\n" + "\n".join(
        f"    def test_{n}(self):\n        {test}\n" for n, test in enumerate(TESTS)
    ),
    "setup": "def test_f():\n    x = [1]\n    x.append(2)\n    assert f(x) == x",
    "check": "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 3",
    "imports": "import pytest\nfrom solution import f\n\n" + "\n".join(TESTS),
    "main": "\n".join(TESTS) + "\n\nif __name__ == '__main__':\n    print('All passed')",
}  # fmt: skip
FOUND = {
    "setup": ["x = [1]\nx.append(2)\nassert f(x) == x"],
    # Called as HumanEval does; one test, since it may return in between.
    "check": [f"{SUITES['check']}\ncheck(f)"],
}
STYLES: dict[str, Callable[[str], str]] = {
    "bare": lambda code: code,
    "fence": fenced,
    "no language": lambda code: fenced(code, language=""),
    "prose": lambda code: f"Sure! Here're the tests:\n\n{fenced(code)}\n\nThey cover it (see above).",
    "after prose": lambda code: f"Here are the tests:\n\n{code}\n\nThey're all.",
    "indented": lambda code: "The tests:\n\n" + textwrap.indent(code, "    ") + "\n\nThat's it.",
    "quoted": lambda code: "\n".join(f"> {line}" for line in fenced(code).split("\n")),
    "no closing": lambda code: f"Tests:\n```python\n{code}\n",
    "tags": lambda code: f"<answer>\n{fenced(code)}\n</answer>",
    "chat": lambda code: f"<|im_start|>assistant\n{fenced(code)}<|im_end|>",
    "json": lambda code: json.dumps({"reasoning": "assert f(9) == 9", "tests": code}),
    "json in fence": lambda code: fenced(json.dumps({"tests": code}, indent=1), language="json"),
    "dict": lambda code: repr({"code": code}),
    "session": session,
    "numbered": lambda code: "\n".join(f"{n:3} {line}" for n, line in enumerate(code.split("\n"), 1)),
    "windows": lambda code: fenced(code).replace("\n", "\r\n"),
    "mark of order": lambda code: f"\ufeff{code}",
    "hard spaces": lambda code: fenced(code.replace("    ", "\u00a0" * 4)),
    "a solution before": lambda code: f"{fenced(SOLUTION)}\n\n{fenced(code)}",
    "a solution with them": lambda code: fenced(f"{SOLUTION}\n\n{code}"),
    "a thought": lambda code: f"<think>\nassert f(5) == 5\nSo:\n</think>\n{fenced(code)}",
    "a thought of the template": lambda code: f"Maybe assert f(5) == 5\n</think>\n\n{fenced(code)}",
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("suite", SUITES)
def test_every_style_gives_the_tests_in_their_own_words(suite: str, style: str) -> None:
    found = parse_suite(FREE, STYLES[style](SUITES[suite]), "f")
    assert not isinstance(found, Refusal), found
    assert found == FOUND.get(suite, TESTS)


LINES = {
    "list": [f"- {test}" for test in TESTS],
    "numbers": [f"{n}. {test}" for n, test in enumerate(TESTS, 1)],
    "ticks": [f"- `{test}`" for test in TESTS],
    "labels": [f"* **Case {n}:** `{test}`" for n, test in enumerate(TESTS)],
    "in sentences": [f"It has to hold that `{test}`, of course." for test in TESTS],
    "prose between": [line for test in TESTS for line in ("This one isn't hard:", "", test, "")],
    "blocks": [fenced(test) for test in TESTS],
    "comments": [f"# What is it?\n{test}  # this" for test in TESTS],
    "broken between": [line for test in TESTS for line in (test, "assert f((1 == 2")],
}


@pytest.mark.parametrize("layout", LINES)
def test_tests_are_found_line_by_line(layout: str) -> None:
    assert parse_suite(FREE, "The tests:\n\n" + "\n".join(LINES[layout]), "f") == TESTS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "syntax"),
        ("No, I cannot.", "syntax"),
        ("f(1)\nf(2)", "no_assertion"),
        ("<think>assert f(1) == 1</think>", "only_reasoning"),
        ("def f(x):\n    assert x\n    return x", "syntax"),
    ],
)
def test_refused_suites_have_their_reason_and_the_words_of_the_answer(answer: str, reason: str) -> None:
    found = parse_suite(FREE, answer, "f")
    assert isinstance(found, Refusal)
    assert (found.reason, found.detail) == (reason, answer.strip()[:200])


def test_a_check_of_a_candidate_is_called_with_the_entry_point() -> None:
    for code, called in (
        ("def check(candidate):\n    assert candidate(1) == 2\n", True),
        ("def check(candidate):\n    assert candidate(1) == 2\n\ncheck(f)\n", True),
        ("def check(candidate):\n    return candidate(1)\n", False),
        ("def check(candidate, other):\n    assert candidate(1) == other\n", False),
    ):
        module = bare_tests(code, "f")
        assert not isinstance(module, Refusal)
        tests = split_tests(module[0], "f")
        assert any("f" in test and "assert" in test for test in tests) is called, code


def test_thoughts_that_nothing_closes_are_not_each_read_to_the_end() -> None:
    unit = '<think>\n<answer>\n"</think>\n'
    without_reasoning(unit * 100)

    def seconds(count: int) -> float:
        started = time.process_time()
        without_reasoning(unit * count)
        return time.process_time() - started

    # Eight times the text: sixty-four times the time, were it read so.
    assert min(seconds(4_000) for _ in range(3)) < 30 * min(seconds(500) for _ in range(3))


# What is repeated to fill a text.
HOSTILE = {
    "decorators": "@a\n", "closing brackets": ")\n", "openings": "(", "brackets": "[", "objects": '{"a":',
    "fences": "```\n", "fences of Python": "```python\nx\n", "inline fences": "a ```x``` b\n",
    "fences in quotes": '"```"\n', "ticks": "`", "thoughts": "<think>", "lines of thoughts": "<think>\n",
    "ends of thoughts": "</think>", "thoughts that end": "<think>a</think>\n", "quoted": "'<think>' \n",
    "half functions": "def f(x):\n    return (\n", "heads": "def f(x):\n", "clauses": "else\n",
    "docstrings": '"""\n```\n', "quotes": '"', "escapes": "\\n", "items": "- assert f(1) == 2\n",
    "prompts": ">>> f(1)\n", "tags": "<a>", "entities": "&lt;", "tokens": "<|im_start|>assistant\n",
    "channels": "<|channel|>analysis", "labels": "Answer: def f(x):\n", "dicts": "{1: 2}\n", "stars": "*A: ",
    "functions": "def f(x):\n    return x\n", "blocks": "```python\ndef f(x):\n    return h(x)\n```\ntext\n",
    "thoughts without an end": '<think>\n<answer>\n"</think>\n',
    "tests": "def test_a():\n    assert f(1) == 2\n", "prose": "It isn't (see below.\n", "words": "word ",
}  # fmt: skip


def parsed_characters(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many characters all parsers of Python are given for one answer."""
    count = 0
    original = fragments.parse_foreign

    def counted(source: str) -> object:
        nonlocal count
        count += len(source)
        return original(source)

    with monkeypatch.context() as patched:
        patched.setattr(fragments, "parse_foreign", counted)
        bare_code(text, "f")
    return count


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_is_read_again_so_often_and_no_more(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (HOSTILE[kind] * 4_000)[:4_000]
    assert parsed_characters(text, monkeypatch) <= 2 * work_for(text) + 40 * len(text)


def test_the_work_for_a_text_grows_as_its_length_up_to_a_limit() -> None:
    small, large, huge = work_for("x" * 1_000), work_for("x" * 100_000), work_for("x" * 1_000_000)
    assert small < large <= 100 * small
    assert huge == work_for("x" * 10_000_000)


def test_of_many_pieces_the_last_are_read() -> None:
    text = "".join(f"```python\ndef h{n}(x):\n    return x\n```\n" for n in range(1_000))
    found, answered = read_blocks(text, lambda parts: len(parts), one=True)
    assert answered
    assert len(found) == blocks._PIECES
    assert found[-1].parts[0].text.startswith("def h999(")
