"""The parsers of a model's answers: the text of an answer as a program, as tests, as a proposed problem, or a
`Refusal` that says why not.

Everything here is pure text and `ast`; nothing generated is ever run.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass

from tasks.fragments import parse_python
from tasks.prompts import FENCE, Prompt, Refusal
from tasks.signatures import BadSignature, clean_signature, plain_signature
from tasks.suites import target_name
from tasks.testslices import bound_names, free_names
from tasks.testsource import mentions, patched, split_tests
from tasks.words import word_count


@dataclass(frozen=True, slots=True)
class Proposal:
    statement: str
    signature: str
    entry_point: str


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

    Reasons: `no_signature`, `bad_signature` (no plain `def name(arg, ..):`, no arguments, the name of a
    builtin, which the solution could then not use, or an annotation that names what is nowhere), `no_task`,
    `short_statement` (under five words), `asks_for_more` (input, print, files: nothing to return).
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
    if isinstance(plain := plain_signature(signature, entry.name), BadSignature):
        return Refusal("bad_signature", f"{signature} {plain.reason}"[:200])
    told = re.search(r"Task:[ \t]*(.*)", answer)
    if told is None:
        return Refusal("no_task", completion.strip()[:200])
    statement = " ".join(told.group(1).split())
    if word_count(statement) < 5:
        return Refusal("short_statement", statement)
    if re.search(r"\b(prints?|stdin|user input|file|files|class|decorator|generator)\b", statement.lower()):
        return Refusal("asks_for_more", statement[:200])
    return Proposal(statement, signature, entry.name)


def code_blocks(text: str) -> list[str]:
    """The contents of all fences of a text (the last may be open); without any, the text itself."""
    parts = re.split(r"^[ \t]*```[\w+-]*[ \t]*\n?|```", text, flags=re.MULTILINE)
    blocks = [part.strip("\n").expandtabs(4) for part in parts[1::2] if part.strip()]
    return blocks or [text.expandtabs(4)]


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
