"""The prompts of the two roles and of proposing problems (`tasks.generation.answers` has the parsers of the
answers).

A prompt is a conversation, and the first words of its answer (`prefill`), if any; the model's chat format
(`tasks.models.chat_format`) makes tokens of it. A chat model is told in plain words what to write and where:
a whole program in one block. A base model sees a solved example in the layout that it is to go on with. The
demo's style is the one that SmolLM2-135M was measured with (24 easy problems x 8: 22 % right programs as
ChatML, 15 % as plain text, 7 % without the indent of the body, where answers were empty).

In the demo's style whatever a parser makes of an answer can be written back as the completion of the prompt
that was sampled (`solver_completion`, `verifier_completion`); so can suites that are put together anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.core.records import Message, Problem
from tasks.generation.signatures import clean_signature, imports_of
from tasks.models.chat_format import ChatFormat, Kind, Prefill
from tasks.testcode.suites import target_name

VERSION = 7
"""Part of every sampling key: raise it when a prompt or a parser changes what it gives."""
FENCE = "```"
_OPEN = "```python\n"
_STOP = (FENCE, "\nTask:")
_INDENT = "\n   "
_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
PromptKind = Literal["solver", "verifier", "output", "proposer"]

WORKED_STATEMENT = "Write a function that joins the first letters of some words into one text."
WORKED_SIGNATURE = "def join_initials(words):"
_WORKED_CODE = 'def join_initials(words):\n    return "".join(word[0] for word in words)'
_WORKED_TESTS = (
    'assert join_initials(["red", "apple"]) == "ra"',
    'assert join_initials([]) == ""',
    'assert join_initials(["sun"]) == "s"',
    'assert join_initials(["Big", "old", "Tree"]) == "BoT"',
    'assert join_initials(["a", "b", "c", "a"]) == "abca"',
    'assert join_initials(["x1", "2y"]) == "x2"',
)
_WORKED_SNIPPET = 'def slug(title):\n    return title.lower().replace(" ", "-")'


@dataclass(frozen=True, slots=True)
class Style:
    """How a model is asked: in which kind of chat format, with which first words, with an example or not."""

    kind: Kind
    prefill: Prefill
    worked_example: bool


DEMO = Style("smollm-demo", "body", True)


def style_of(chat_format: ChatFormat) -> Style:
    """The style that fits a model's chat format."""
    return Style(chat_format.kind, chat_format.prefill, chat_format.worked_example)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is shown: a conversation, then the first words of its answer; texts at which it stops,
    beside the end of its turn."""

    messages: tuple[Message, ...]
    prefill: str
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that could not be used, and why: a word to count by, and the detail for people."""

    reason: str
    detail: str = ""


def solver_prompt(problem: Problem, style: Style = DEMO) -> Prompt:
    """Asks for the function of a problem; with no entry point, for a program that reads stdin."""
    order = "Write Python code for this task."
    worked = (_task(order, WORKED_STATEMENT, WORKED_SIGNATURE), f"{_OPEN}{_WORKED_CODE}\n{FENCE}")
    if not problem.entry_point:
        asked = _task(
            "Write a Python program for this task. It reads stdin and prints.", problem.statement, ""
        )
        return _laid_out(style, "solver", worked, asked, _OPEN, _STOP)
    signature = clean_signature(problem.signature)
    asked = _task(order, problem.statement, signature)
    imports = "".join(f"{line}\n" for line in imports_of(signature, problem.preamble))
    begun = f"{imports}\n\n{signature}" if imports else signature
    # Up to the indent: small models otherwise close the fence after the signature.
    return _laid_out(style, "solver", worked, asked, f"{_OPEN}{begun}{_INDENT}", _STOP)


def verifier_prompt(problem: Problem, cases: int, style: Style = DEMO) -> Prompt:
    """Asks for `cases` assertions about the function of a problem; the code is never shown."""
    example = "\n".join(_WORKED_TESTS[index % len(_WORKED_TESTS)] for index in range(min(cases, 6)))
    order = _verifier_order(cases)
    worked = (_task(order, WORKED_STATEMENT, WORKED_SIGNATURE), f"{_OPEN}{example}\n{FENCE}")
    target = target_name(problem.entry_point)
    signature = clean_signature(problem.signature) if problem.entry_point else f"def {target}(stdin):"
    asked = _task(order, problem.statement, signature)
    return _laid_out(style, "verifier", worked, asked, f"{_OPEN}assert {target}(", _STOP)


def output_prompt(problem: Problem, style: Style = DEMO) -> Prompt:
    """Asks what a call returns: for the right side of the assertion that the gold case's source begins."""
    order = "Complete this assert with what the function of this task returns."
    example = _WORKED_TESTS[3]
    left = example.partition(" == ")[0] + " =="
    worked = f"{_task(order, WORKED_STATEMENT, WORKED_SIGNATURE)}Test: {left}\n"
    asked = f"{_task(order, problem.statement, clean_signature(problem.signature))}Test: "
    left = problem.gold_cases[0].source
    # One line: a model that goes on writes asserts about other inputs, of which the last would count.
    stop = ("\n", FENCE) if style.prefill == "body" else (FENCE,)
    question = (worked, f"{_OPEN}{example}\n{FENCE}")
    return _laid_out(style, "output", question, f"{asked}{left}\n", f"{_OPEN}{left}", stop)


def proposer_prompt(snippet: str, style: Style = DEMO) -> Prompt:
    """Asks for a new small problem, inspired by a snippet of Python."""
    order = "Read this code and write one small new task for a Python beginner."
    asked = f"{order}\nCode:\n{_OPEN}{_WORKED_SNIPPET}\n{FENCE}\n"
    worked = (asked, f"Signature: {WORKED_SIGNATURE}\nTask: {WORKED_STATEMENT}")
    asked = f"{order}\nCode:\n{_OPEN}{snippet.strip()}\n{FENCE}\n"
    return _laid_out(style, "proposer", worked, asked, "Signature: def", ("\n\n", FENCE, "\nCode:"))


_ANSWER_AS: dict[PromptKind, str] = {
    "solver": "Answer with one block of Python, between ```python and ```, that holds the whole program: "
    "imports, helper functions and classes where they help, no tests, no example calls.",
    "verifier": "Call the function with literal arguments and compare what it returns with the literal value "
    "that a right solution gives, one assert a line. Do not write the function. Answer with one block of "
    "Python, between ```python and ```, that holds the asserts alone.",
    "output": "Answer with the whole assert, one line, in one block of Python between ```python and ```.",
    "proposer": "The task asks for one function that returns its result: no printing, no files, no input. "
    "Answer with two lines and nothing else: `Signature: def name(arguments):`, and `Task:` with a sentence.",
}


def _laid_out(
    style: Style, role: PromptKind, worked: tuple[str, str], asked: str, begun: str, stop: tuple[str, ...]
) -> Prompt:
    """A question as a conversation, behind a solved one where the style shows one. `begun`: the answer's
    first words, as far as they can be written for the model."""
    question, answer = worked
    if style.kind == "smollm-demo":
        messages = (
            Message("system", _SYSTEM),
            Message("user", question.rstrip()),
            Message("assistant", answer),
            # A statement cannot open a turn of its own: tokenizers read such marks inside text too.
            Message("user", asked.rstrip().replace("<|", "< |")),
        )
        return Prompt(messages, begun, stop)
    if style.kind == "chat":
        question, asked = (f"{text.rstrip()}\n\n{_ANSWER_AS[role]}" for text in (question, asked))
        stop = ()
    shown = (Message("user", question), Message("assistant", answer)) if style.worked_example else ()
    if style.prefill == "none":
        begun = ""
    elif style.prefill == "fence":
        begun = begun if role == "proposer" else _OPEN
    return Prompt((*shown, Message("user", asked)), begun, stop)


def solver_completion(prompt: Prompt, code: str) -> str | Refusal:
    """The completion that makes the prompt and it end in this code and a closing fence.

    `code` is what `parse_solution` gave for this prompt, or any code that begins with the same lines, blank
    ones aside; otherwise the reason is `other_signature`.
    """
    lines = re.split(r"\n+", prompt.prefill.removeprefix(_OPEN))
    start = re.match(r"\n+".join(map(re.escape, lines)), code)
    if start is None:
        return Refusal("other_signature", code[:200])
    return code[start.end() :].rstrip() + f"\n{FENCE}"


def verifier_completion(prompt: Prompt, tests: Sequence[str]) -> str | Refusal:
    """The completion that makes the prompt and it a fenced block of these tests, in order.

    The first that continues the prefill moves to the front; with none, the reason is `other_target`.
    """
    start = prompt.prefill.removeprefix(_OPEN)
    first = next((test for test in tests if test.startswith(start)), None)
    if first is None:
        return Refusal("other_target", "\n".join(tests)[:200])
    rest = list(tests)
    rest.remove(first)
    opening = "" if prompt.prefill else _OPEN
    return opening + "\n".join([first[len(start) :], *rest]).rstrip() + f"\n{FENCE}"


def fenced(prompt: str, completion: str) -> str:
    """What stands in the fence that a prompt opens and its completion closes: code, or assertions."""
    return (prompt + completion).rpartition(_OPEN)[2].rstrip().removesuffix(FENCE).rstrip()


def _task(order: str, statement: str, signature: str) -> str:
    line = f"Signature: {signature}\n" if signature else ""
    return f"{order}\nTask: {statement.strip()}\n{line}"


def _verifier_order(cases: int) -> str:
    return f"Write {cases} Python asserts that test the function of this task."
