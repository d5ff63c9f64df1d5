"""The parsers of a model's answers: the text of an answer as a program, as tests, as a proposed problem, or a
`Refusal` that says why not.

One rule for all answers, to our prompts and to any other. Everything here is pure text and `ast`; nothing
generated is ever run, and the work is bounded by the length of the text.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.fragments import Part, parse_python
from tasks.generation.blocks import Block, Score, read_blocks
from tasks.generation.entry_points import defines, is_idle, method_of_class, needed_names
from tasks.generation.prompts import Prompt, Refusal
from tasks.generation.reduction import reduced
from tasks.generation.signatures import BadSignature, clean_signature, plain_signature
from tasks.generation.words import word_count
from tasks.testcode.names import bound_names
from tasks.testcode.split import split_tests
from tasks.testcode.styles import asserts
from tasks.testcode.suites import target_name

# Of several blocks that are no program the first of these is told.
_REASONS = ("truncated", "empty_body", "syntax", "no_entry_point")


@dataclass(frozen=True, slots=True)
class Proposal:
    statement: str
    signature: str
    entry_point: str


def parse_solution(prompt: Prompt, completion: str, entry_point: str, finish: str = "stop") -> str | Refusal:
    """The program of an answer to one of our prompts: `bare_code` of its prefill and its completion."""
    return bare_code(prompt.prefill + completion, entry_point, finish)


def bare_code(answer: str, entry_point: str, finish: str = "stop") -> str | Refusal:
    """The program of an answer in canonical form: the entry point and whatever can change what it does
    (`tasks.generation.reduction`); without an entry point the whole program, which reads stdin.

    Thoughts are not read. Of several programs the last that is complete counts; what it lacks is taken from
    the other blocks. Reasons: `syntax`, `truncated` (the token limit, `finish` "length", fell inside),
    `no_entry_point`, `empty_body` (only `pass`, `...`, a docstring), `only_reasoning`.
    """

    def score(parts: Sequence[Part]) -> int:
        if not entry_point:
            return any(_writes(part.node) for part in parts)
        made = any(defines(part, entry_point) for part in parts)
        return made or method_of_class(parts, entry_point) is not None

    blocks, answered = read_blocks(answer, score, one=True)
    if not answered:
        return Refusal("only_reasoning", answer.strip()[:200])
    reasons: list[str] = []
    for number in reversed(range(len(blocks))):
        cut = finish == "length" and number == len(blocks) - 1 and blocks[number].at_end
        if entry_point:
            # What lacks something looks for it in the blocks before, the nearest first, then in those behind.
            others = [*blocks[:number][::-1], *blocks[number + 1 :]]
            program = _function(blocks[number], entry_point, others, cut)
        else:
            program = _program(blocks[number], score, cut)
        if program not in _REASONS:
            return program
        reasons.append(program)
    reason = min(reasons, key=_REASONS.index, default="syntax")
    if reason == "syntax" and finish == "length":
        reason = "truncated"
    return Refusal(reason, answer.strip()[:200])


def _function(block: Block, entry_point: str, others: Sequence[Block], cut: bool) -> str:
    """The program of a block, or the reason why there is none. `cut`: its last statement may be half one."""
    parts = block.parts[: len(block.parts) - cut]
    half = bound_names(block.parts[-1].node) if cut else set[str]()
    lost = _defined_in(block.skipped)
    defining = [part for part in parts if defines(part, entry_point)]
    if not defining and (method := method_of_class(parts, entry_point)) is not None:
        parts, defining = (*parts, method), [method]
    if not defining:
        broken = entry_point in lost or not parts
        return "truncated" if entry_point in half else "syntax" if broken else "no_entry_point"
    if is_idle(defining[-1]):
        return "empty_body"
    if any(isinstance(part.node, ast.Return) for part in parts):
        # A body that lost its indentation.
        return "syntax"
    program = reduced(parts, entry_point)
    missing = needed_names(program)
    if missing & (half | lost):
        return "truncated" if missing & half else "syntax"
    for other in others:
        missing = needed_names(program)
        helpers = [part for part in other.parts if not defines(part, entry_point)]
        if missing and any(missing & bound_names(part.node) for part in helpers):
            program = reduced([*helpers, *program], entry_point)
    return "\n\n".join(part.text for part in program) + "\n"


def _program(block: Block, score: Score, cut: bool) -> str:
    """A program that reads stdin, or the reason why there is none."""
    if cut:
        return "truncated"
    if not score(block.parts):
        return "no_entry_point" if block.parts else "syntax"
    if block.text:
        return block.text.strip()
    # Words of prose may be Python.
    return "\n\n".join(part.text for part in block.parts if not _is_word(part.node)) + "\n"


def _is_word(node: ast.stmt) -> bool:
    calls = ast.Call | ast.Await | ast.Yield | ast.YieldFrom
    return isinstance(node, ast.Expr) and not any(isinstance(part, calls) for part in ast.walk(node))


def _writes(node: ast.stmt) -> bool:
    return any(
        (isinstance(part, ast.Name) and part.id == "print")
        or (isinstance(part, ast.Attribute) and part.attr in ("write", "writelines"))
        for part in ast.walk(node)
    )


def _defined_in(skipped: Sequence[str]) -> set[str]:
    """The names that lines define which do not parse."""
    definition = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
    return {found[1] for text in skipped for found in definition.finditer(text)}


def parse_suite(
    prompt: Prompt, completion: str, entry_point: str, finish: str = "stop"
) -> list[str] | Refusal:
    """The tests of an answer, each as source that stands alone (`tasks.testcode.split.split_tests`).

    Lines that do not parse are skipped: half a last line, prose between tests. With `finish` "length"
    the last line goes even if it parses, `== 1` may have been going to be `== 12`. Reasons: `syntax`
    (nothing parses), `no_assertion`, `only_reasoning`.
    """
    answer = prompt.prefill + completion
    if finish == "length":
        answer = answer.rpartition("\n")[0]
    found = bare_tests(answer, entry_point)
    if isinstance(found, Refusal):
        return found
    parsed = bool(found[0].body)
    if tests := split_tests(found[0], target_name(entry_point)):
        return tests
    return Refusal("no_assertion" if parsed else "syntax", completion.strip()[:200])


def bare_tests(answer: str, entry_point: str) -> tuple[ast.Module, list[str]] | Refusal:
    """The test file that the blocks of an answer make together, and the lines in it that do not parse.

    Thoughts are not read; a solution that the answer repeats is left out, its tests are of another.
    """

    def score(parts: Sequence[Part]) -> int:
        return sum(
            isinstance(node, ast.Assert) or (isinstance(node, ast.Expr) and asserts(node))
            for part in parts
            for node in ast.walk(part.node)
        )

    blocks, answered = read_blocks(answer, score, one=False)
    if not answered:
        return Refusal("only_reasoning", answer.strip()[:200])
    parts = [part for block in blocks for part in block.parts]
    kept = [part for part in parts if not (entry_point and _solves(part.node, entry_point))]
    skipped = [text for block in blocks for text in block.skipped]
    # Read as one file, which knows its text: rows hold every assertion in the words of the answer.
    file = parse_python("\n".join(part.text for part in kept))
    return file or ast.Module(body=[part.node for part in kept], type_ignores=[]), skipped


def _solves(node: ast.stmt, entry_point: str) -> bool:
    """Whether a statement of a test file is a solution, and not where the solution comes from."""
    if isinstance(node, ast.Assign):
        named = any(isinstance(one, ast.Name) and one.id == entry_point for one in node.targets)
        return named and isinstance(node.value, ast.Lambda)
    if isinstance(node, ast.ClassDef) and not asserts(node):
        methods = (step.name for step in node.body if isinstance(step, ast.FunctionDef))
        return entry_point in (node.name, *methods)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point


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
