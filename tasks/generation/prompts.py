"""The prompts of the two roles and of proposing problems (`tasks.generation.answers` has the parsers of the
answers).

A prompt is text with one worked example, and the first words of the answer (`prefill`): small models that
are left to start by themselves answer with prose. The layout is ChatML, whose tokens SmolLM2 and Qwen were
trained on, or plain text for others (measured on SmolLM2-135M, 24 easy problems x 8, both with the prefill:
22 % right programs as chat, 15 % as plain text; plain text without the indent 7 %, the answers were empty).

Whatever a parser makes of an answer can be written back as the completion of the prompt that was sampled
(`solver_completion`, `verifier_completion`), so that training sees what sampling shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.core.records import Problem
from tasks.generation.signatures import clean_signature, imports_of
from tasks.testcode.suites import target_name

VERSION = 6
"""Part of every sampling key: raise it when a prompt or a parser changes what it gives."""
FENCE = "```"
_OPEN = "```python\n"
_STOP = (FENCE, "\nTask:")
_INDENT = "\n   "
_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
Layout = Literal["chatml", "plain"]

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
class Prompt:
    """What the model is shown: `text`, then the first words of its answer; where it stops."""

    text: str
    prefill: str
    stop: tuple[str, ...]

    @property
    def full(self) -> str:
        """What is sampled from, and the `prompt` of a training row."""
        return self.text + self.prefill


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that could not be used, and why: a word to count by, and the detail for people."""

    reason: str
    detail: str = ""


def solver_prompt(problem: Problem, layout: Layout = "chatml") -> Prompt:
    """Asks for the function of a problem; with no entry point, for a program that reads stdin."""
    order = "Write Python code for this task."
    worked = (_task(order, WORKED_STATEMENT, WORKED_SIGNATURE), f"{_OPEN}{_WORKED_CODE}\n{FENCE}")
    if not problem.entry_point:
        asked = _task(
            "Write a Python program for this task. It reads stdin and prints.", problem.statement, ""
        )
        return Prompt(_laid_out(layout, worked, asked), _OPEN, _STOP)
    signature = clean_signature(problem.signature)
    asked = _task(order, problem.statement, signature)
    imports = "".join(f"{line}\n" for line in imports_of(signature, problem.preamble))
    begun = f"{imports}\n\n{signature}" if imports else signature
    # Up to the indent: small models otherwise close the fence after the signature.
    return Prompt(_laid_out(layout, worked, asked), f"{_OPEN}{begun}{_INDENT}", _STOP)


def verifier_prompt(problem: Problem, cases: int, layout: Layout = "chatml") -> Prompt:
    """Asks for `cases` assertions about the function of a problem; the code is never shown."""
    example = "\n".join(_WORKED_TESTS[index % len(_WORKED_TESTS)] for index in range(min(cases, 6)))
    order = _verifier_order(cases)
    worked = (_task(order, WORKED_STATEMENT, WORKED_SIGNATURE), f"{_OPEN}{example}\n{FENCE}")
    target = target_name(problem.entry_point)
    signature = clean_signature(problem.signature) if problem.entry_point else f"def {target}(stdin):"
    asked = _task(order, problem.statement, signature)
    return Prompt(_laid_out(layout, worked, asked), f"{_OPEN}assert {target}(", _STOP)


def output_prompt(problem: Problem, layout: Layout = "chatml") -> Prompt:
    """Asks what a call returns: for the right side of the assertion that the gold case's source begins."""
    order = "Complete this assert with what the function of this task returns."
    example = _WORKED_TESTS[3]
    left = example.partition(" == ")[0] + " =="
    worked = f"{_task(order, WORKED_STATEMENT, WORKED_SIGNATURE)}Test: {left}\n"
    asked = f"{_task(order, problem.statement, clean_signature(problem.signature))}Test: "
    left = problem.gold_cases[0].source
    text = _laid_out(layout, (worked, f"{_OPEN}{example}\n{FENCE}"), f"{asked}{left}\n")
    # One line: a model that goes on writes asserts about other inputs, of which the last would count.
    return Prompt(text, f"{_OPEN}{left}", ("\n", FENCE))


def proposer_prompt(snippet: str, layout: Layout = "chatml") -> Prompt:
    """Asks for a new small problem, inspired by a snippet of Python."""
    order = "Read this code and write one small new task for a Python beginner."
    asked = f"{order}\nCode:\n{_OPEN}{_WORKED_SNIPPET}\n{FENCE}\n"
    worked = (asked, f"Signature: {WORKED_SIGNATURE}\nTask: {WORKED_STATEMENT}")
    asked = f"{order}\nCode:\n{_OPEN}{snippet.strip()}\n{FENCE}\n"
    return Prompt(_laid_out(layout, worked, asked), "Signature: def", ("\n\n", FENCE, "\nCode:"))


def _laid_out(layout: Layout, worked: tuple[str, str], asked: str) -> str:
    """One worked question and answer, then the question: as turns of a chat, or one after the other."""
    question, answer = worked
    if layout == "plain":
        return f"{question}{answer}\n\n{asked}"
    turns = (
        ("system", _SYSTEM),
        ("user", question.rstrip()),
        ("assistant", answer),
        # A statement cannot open a turn of its own: tokenizers read such marks inside text too.
        ("user", asked.rstrip().replace("<|", "< |")),
    )
    chat = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns)
    return f"{chat}<|im_start|>assistant\n"


def solver_completion(prompt: Prompt, code: str) -> str | Refusal:
    """The completion that makes `prompt.full + completion` end in this code and a closing fence.

    `code` is what `parse_solution` gave for this prompt, or any code that begins with the same lines, blank
    ones aside; otherwise the reason is `other_signature`.
    """
    lines = re.split(r"\n+", prompt.prefill.removeprefix(_OPEN))
    start = re.match(r"\n+".join(map(re.escape, lines)), code)
    if start is None:
        return Refusal("other_signature", code[:200])
    return code[start.end() :].rstrip() + f"\n{FENCE}"


def verifier_completion(prompt: Prompt, tests: Sequence[str]) -> str | Refusal:
    """The completion that makes `prompt.full + completion` a fenced block of these tests, in order.

    The first that continues the prefill moves to the front; with none, the reason is `other_target`.
    """
    start = prompt.prefill.removeprefix(_OPEN)
    first = next((test for test in tests if test.startswith(start)), None)
    if first is None:
        return Refusal("other_target", "\n".join(tests)[:200])
    rest = list(tests)
    rest.remove(first)
    return "\n".join([first[len(start) :], *rest]).rstrip() + f"\n{FENCE}"


def fenced(prompt: str, completion: str) -> str:
    """What stands in the fence that a prompt opens and its completion closes: code, or assertions."""
    return (prompt + completion).rpartition(_OPEN)[2].rstrip().removesuffix(FENCE).rstrip()


def _task(order: str, statement: str, signature: str) -> str:
    line = f"Signature: {signature}\n" if signature else ""
    return f"{order}\nTask: {statement.strip()}\n{line}"


def _verifier_order(cases: int) -> str:
    return f"Write {cases} Python asserts that test the function of this task."
