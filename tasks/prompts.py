"""The prompts of the two roles and of proposing problems, and the parsers of their answers.

A prompt is text with one worked example, and the first words of the answer (`prefill`): small models that
are left to start by themselves answer with prose. The layout is ChatML, whose tokens SmolLM2 and Qwen were
trained on, or plain text for others (measured on SmolLM2-135M, 24 easy problems x 8, both with the prefill:
22 % right programs as chat, 15 % as plain text; plain text without the indent 7 %, the answers were empty).

Whatever a parser makes of an answer can be written back as the completion of the prompt that was sampled
(`solver_completion`, `verifier_completion`), so that training sees what sampling shows; a verifier's row asks
for as many cases as it has. Everything here is pure text and `ast`; nothing generated is ever run.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.records import Problem
from tasks.suites import target_name
from tasks.testslices import bound_names, free_names
from tasks.testsource import mentions, parse_python, patched, split_tests

VERSION = 3
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


@dataclass(frozen=True, slots=True)
class Proposal:
    statement: str
    signature: str
    entry_point: str


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
    # Up to the indent: small models otherwise close the fence after the signature.
    return Prompt(_laid_out(layout, worked, asked), f"{_OPEN}{signature}{_INDENT}", _STOP)


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


def parse_solution(prompt: Prompt, completion: str, entry_point: str, finish: str = "stop") -> str | Refusal:
    """The code of an answer in canonical form: the entry point and what it depends on, nothing else.

    Reasons: `syntax`, `truncated` (the token limit fell inside the function), `no_entry_point`,
    `empty_body` (only `pass`, `...` or a docstring).
    """
    reason = "syntax"
    for block in code_blocks(prompt.prefill + completion):
        tree, text = _longest_program(block)
        if tree is None:
            continue
        if not entry_point:
            return text.strip() if tree.body else Refusal("empty_body")
        entry = _function(tree, entry_point)
        if entry is None:
            reason = "no_entry_point"
        elif finish == "length" and entry.end_lineno == len(block.rstrip().split("\n")):
            reason = "truncated"
        elif _is_idle(entry):
            reason = "empty_body"
        else:
            return _reachable(tree, entry, text)
    if reason == "syntax" and finish == "length":
        reason = "truncated"
    return Refusal(reason, completion.strip()[:200])


def bare_code(answer: str, entry_point: str) -> str | Refusal:
    """The program of an answer to some other prompt: the text itself if it parses, else out of a fence."""
    if parse_python(answer) is not None:
        return answer
    if FENCE not in answer:
        return Refusal("syntax", answer.strip()[:200])
    return parse_solution(Prompt("", "", ()), answer, entry_point)


def parse_suite(
    prompt: Prompt, completion: str, entry_point: str, finish: str = "stop"
) -> list[str] | Refusal:
    """The tests of an answer, each as source that stands alone (`tasks.testsource.split_tests`).

    Lines that do not parse are skipped: half a last line, prose between tests. With `finish` "length"
    the last line goes even if it parses, `== 1` may have been going to be `== 12`. Reasons: `syntax`
    (nothing parses), `no_assertion`.
    """
    answer = prompt.prefill + completion
    if finish == "length":
        answer = answer.rpartition("\n")[0]
    parsed = False
    for block in code_blocks(answer):
        tree = parse_python(block) or patched(block)[0]
        parsed = parsed or bool(tree.body)
        if tests := split_tests(tree, target_name(entry_point)):
            return tests
    return Refusal("no_assertion" if parsed else "syntax", completion.strip()[:200])


def parse_problem(prompt: Prompt, completion: str) -> Proposal | Refusal:
    """The problem of a proposer's answer.

    Reasons: `no_signature`, `bad_signature` (no plain `def name(arg, ..):`, no arguments, or the name of a
    builtin, which the solution could then not use), `no_task`, `short_statement` (under five words),
    `asks_for_more` (input, print, files: nothing to return).
    """
    answer = prompt.prefill + completion
    found = re.search(r"Signature:[ \t]*`?(def[ \t]+.*)", answer)
    if found is None:
        return Refusal("no_signature", completion.strip()[:200])
    signature = clean_signature(found.group(1).strip().strip("`"))
    tree = parse_python(f"{signature}\n    pass")
    entry = tree.body[0] if tree is not None and tree.body else None
    if not isinstance(entry, ast.FunctionDef) or entry.args.vararg or entry.args.kwarg or not entry.args.args:
        return Refusal("bad_signature", signature[:200])
    if entry.args.args[0].arg in ("self", "cls") or hasattr(builtins, entry.name):
        return Refusal("bad_signature", signature[:200])
    told = re.search(r"Task:[ \t]*(.*)", answer)
    if told is None:
        return Refusal("no_task", completion.strip()[:200])
    statement = " ".join(told.group(1).split())
    if len(statement.split()) < 5:
        return Refusal("short_statement", statement)
    if re.search(r"\b(prints?|stdin|user input|file|files|class|decorator|generator)\b", statement.lower()):
        return Refusal("asks_for_more", statement[:200])
    return Proposal(statement, signature, entry.name)


def solver_completion(prompt: Prompt, code: str) -> str | Refusal:
    """The completion that makes `prompt.full + completion` end in this code and a closing fence.

    `code` is what `parse_solution` gave for this prompt, or any code with the same first line;
    otherwise the reason is `other_signature`.
    """
    start = prompt.prefill.removeprefix(_OPEN)
    if not code.startswith(start):
        return Refusal("other_signature", code[:200])
    return code[len(start) :].rstrip() + f"\n{FENCE}"


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


def clean_signature(signature: str) -> str:
    """`def f(a, b):` on one line, whatever the colon and the spaces were."""
    line = " ".join(signature.split())
    line = line.removesuffix("...").removesuffix("pass").rstrip()
    return line.rstrip(":").rstrip() + ":"


def code_blocks(text: str) -> list[str]:
    """The contents of all fences of a text (the last may be open); without any, the text itself."""
    parts = re.split(r"^[ \t]*```[\w+-]*[ \t]*\n?|```", text, flags=re.MULTILINE)
    blocks = [part.strip("\n").expandtabs(4) for part in parts[1::2] if part.strip()]
    return blocks or [text.expandtabs(4)]


def _task(order: str, statement: str, signature: str) -> str:
    line = f"Signature: {signature}\n" if signature else ""
    return f"{order}\nTask: {statement.strip()}\n{line}"


def _verifier_order(cases: int) -> str:
    return f"Write {cases} Python asserts that test the function of this task."


def _longest_program(block: str) -> tuple[ast.Module | None, str]:
    """The longest start of a block that parses, cut only between top-level statements.

    Prose before the code is skipped the same way. A cut inside a body would leave a program that the
    model did not write.
    """
    lines = block.rstrip().split("\n")
    starts = [0] + [
        number
        for number, line in enumerate(lines)
        if number and re.match(r"(def|class|import|from|async|@)\b|@", line)
    ]
    ends = [len(lines)] + [
        number for number in range(len(lines) - 1, 0, -1) if lines[number] and not lines[number][0].isspace()
    ]
    for start in starts[:20]:
        for end in ends[:60]:
            text = "\n".join(lines[start:end])
            tree = parse_python(text) if end > start else None
            if tree is not None and tree.body:
                return tree, text
    return None, ""


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node
    return None


def _is_idle(entry: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(
        isinstance(step, ast.Pass) or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
        for step in entry.body
    )


def _reachable(tree: ast.Module, entry: ast.stmt, text: str) -> str:
    """Entry point and the top-level statements it depends on, in their order.

    Models run on: examples, prints, input(), the next function. None of that belongs to the
    solution, and a print of an example would run (and may fail) before the first test.
    """
    kept: list[ast.stmt] = [entry]
    needed = free_names(entry)
    name = getattr(entry, "name", "")
    changed = True
    while changed:
        changed = False
        for node in tree.body:
            if node in kept or name in bound_names(node):
                continue
            star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            example = not isinstance(node, ast.FunctionDef | ast.ClassDef) and mentions(node, name)
            if (bound_names(node) & needed or star) and not example:
                kept.append(node)
                needed |= free_names(node)
                changed = True
    lines = text.split("\n")
    return "\n\n".join(_source(node, text, lines) for node in tree.body if node in kept) + "\n"


def _source(node: ast.stmt, text: str, lines: list[str]) -> str:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return ast.get_source_segment(text, node) or ""
    first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
    return "\n".join(line.rstrip() for line in lines[first - 1 : node.end_lineno])
