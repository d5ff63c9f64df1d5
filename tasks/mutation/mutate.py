"""Small wrong versions of a program, one edit of its syntax tree each (mutation testing, DeMillo 1978).

Reads and writes with `ast` alone: nothing here runs a program. What a mutant does is observed in the sandbox
like any other program; one that does on every known call what its original does is set aside, since nobody
can tell them apart.
"""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from tasks.core.fragments import is_deep, parse_python
from tasks.core.records import Behaviour, Solution, record_id
from tasks.execution.verdicts import outcome_key
from tasks.mutation.operators import OPERATORS, Edit, Surroundings

MAX_CHARACTERS = 10_000
"""Longer programs get no mutants: every one costs a pass over the whole text."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program with one edit: by which operator, on which line of the original."""

    operator: str
    line: int
    code: str


def mutants(code: str, count: int, seed: int) -> list[Mutant]:
    """Up to `count` distinct mutants of a program, the operators in turn; the same seed, the same list.

    Each compiles and differs from the program by more than its layout. None for a program that does not
    compile, is longer than `MAX_CHARACTERS` or nested too deep to be written back.
    """
    tree = _tree(code)
    original = _written(tree) if tree is not None else None
    if tree is None or original is None:
        return []
    draw = random.Random(f"{seed}/{original}")
    around = Surroundings(tree)
    queues: list[list[tuple[str, Edit]]] = []
    for operator, edits_of in OPERATORS.items():
        edits = [(operator, edit) for node in ast.walk(tree) for edit in edits_of(node, around)]
        queues.append(draw.sample(edits, len(edits)))
    found: dict[str, Mutant] = {}
    draw.shuffle(queues)
    in_turn = (item for item in chain.from_iterable(zip_longest(*queues)) if item is not None)
    for attempt, (operator, edit) in enumerate(in_turn):
        if len(found) >= count or attempt >= 4 * count:
            break
        text = _edited(tree, edit)
        if text is not None and text != original:
            found.setdefault(text, Mutant(operator, edit.line, text))
    return list(found.values())


def _tree(code: str) -> ast.Module | None:
    tree = parse_python(code) if len(code) <= MAX_CHARACTERS else None
    return None if tree is None or is_deep(tree) else tree


def _edited(tree: ast.Module, edit: Edit) -> str | None:
    """The program's text with one edit, which is undone again."""
    before = {field: getattr(edit.node, field) for field in edit.changes}
    for field, value in edit.changes.items():
        setattr(edit.node, field, value)
    try:
        return _written(tree)
    finally:
        for field, value in before.items():
            setattr(edit.node, field, value)


def _written(tree: ast.Module) -> str | None:
    """The tree as source that compiles. None where `ast` has its limits: depth, huge numbers, quotes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = ast.unparse(tree)
            compile(text, "<mutant>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return None
    return text


def mutate_all(solutions: Sequence[Solution], count: int, seed: int) -> list[Solution]:
    """Up to `count` mutants of one problem's solutions, taken from each distinct program in turn.

    They are records of origin "mutant" that name their parent and their change. None is one of the
    programs themselves, whatever its layout.
    """
    programs = {_normal(solution.code): solution for solution in solutions}
    # Some parents have less than their part, so each is asked for about twice that.
    part = min(count, 2 * count // max(1, len(programs)) + 2)
    made = [[(parent, mutant) for mutant in mutants(parent.code, part, seed)] for parent in programs.values()]
    found: dict[str, Solution] = {}
    for item in chain.from_iterable(zip_longest(*made)):
        if item is None or item[1].code in programs:
            continue
        parent, mutant = item
        row = Solution(
            solution_id=f"mutant/{record_id(parent.solution_id, mutant.code)}",
            problem_id=parent.problem_id,
            code=mutant.code,
            origin="mutant",
            parent=parent.solution_id,
            change=f"{mutant.operator}, line {mutant.line}",
        )
        found.setdefault(mutant.code, row)
    return list(found.values())[:count]


def _normal(code: str) -> str:
    """A program without its layout and comments; one that cannot be read stands for itself."""
    tree = _tree(code)
    return (_written(tree) if tree is not None else None) or code


def vector(behaviour: Behaviour) -> tuple[str, ...]:
    """What a program did on all known calls and checks, as texts that can be compared."""
    return tuple(outcome_key(outcome) for outcome in (*behaviour.calls, *behaviour.checks))


def non_equivalent_mutants(original: Behaviour, others: Sequence[Behaviour]) -> list[Behaviour]:
    """Those that differ from the original on a known call. The rest look equivalent and are set aside.

    So are flaky programs and sandbox faults: what they do proves nothing. All behaviours are over one plan.
    """
    own = vector(original)
    return [
        other
        for other in others
        if not other.flaky
        and all(outcome.kind != "fault" for outcome in (*other.calls, *other.checks))
        and vector(other) != own
    ]
