"""Signs of collapse: a model that learns from itself writes ever shorter, ever more equal texts.

What a first trial of the loop showed within two iterations (SmolLM2-135M): one-line programs from 77 to 100
%, distinct programs of 8 from 6.9 to 4.2, repeated asserts within a suite twice as many. What DPO at 1e-5 did
on two iterations' pairs (benchmarks/recipe_study.py): bodies of programs from 68 to 29 characters, `return n`
where it had been `return abs(n)`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tasks.core.fragments import is_deep, parse_python
from tasks.core.records import Case, Sample, Solution
from tasks.core.tables import by_problem


@lru_cache(maxsize=65_536)
def program_shape(code: str) -> str:
    """The syntax tree of a program without names and constants; the text itself when it does not parse or is
    too deep.

    Programs of one shape teach one thing: `return a + b` and `return x + y`, `x > 1` and `x > 2`.
    """
    tree = parse_python(code)
    if tree is None or is_deep(tree):
        return code
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = "_"
        elif isinstance(node, ast.arg):
            node.arg = "_"
        elif isinstance(node, ast.Constant):
            node.value = type(node.value).__name__
    return ast.dump(tree)


@lru_cache(maxsize=65_536)
def is_one_liner(code: str) -> bool:
    """Whether a program is one function with one statement (a docstring aside)."""
    tree = parse_python(code)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return False
    body = tree.body[0].body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return len(body) <= 1 and not any(isinstance(step, ast.For | ast.While | ast.If) for step in body)


def is_uniform(cases: Sequence[Case]) -> bool:
    """Whether all cases of a suite expect the same: a program that returns a constant passes it."""
    return len({case.expected or case.raises or case.check for case in cases}) < 2


def repeated_asserts(samples: Sequence[Sample]) -> tuple[int, int]:
    """(asserts that repeat an earlier one of their suite, all asserts) in raw answers of the verifier."""
    repeated = total = 0
    for sample in samples:
        answer = sample.prompt.rpartition("\n")[2] + sample.completion
        lines = [line.strip() for line in answer.splitlines() if line.strip().startswith("assert")]
        repeated += len(lines) - len(set(lines))
        total += len(lines)
    return repeated, total


LENGTH = "characters a program"


def diversity_of(samples: Sequence[Sample], solutions: Sequence[Solution]) -> dict[str, float]:
    """How varied a model's answers are, over all problems.

    `distinct programs` and `distinct shapes` are shares of the parsed solutions of a problem, averaged over
    problems with at least two; `one-liners` a share of all parsed solutions; `repeated asserts` a share of
    all asserts written. `LENGTH` is no share but a mean over all parsed solutions. What nothing was counted
    for is left out.
    """
    sampled = [solution for solution in solutions if solution.origin == "sample"]
    groups = [group for group in by_problem(sampled).values() if len(group) > 1]
    shares: dict[str, float] = {}
    if groups:
        distinct = [len({one.code.strip() for one in group}) / len(group) for group in groups]
        shapes = [len({program_shape(one.code) for one in group}) / len(group) for group in groups]
        shares["distinct programs"] = sum(distinct) / len(groups)
        shares["distinct shapes"] = sum(shapes) / len(groups)
    if sampled:
        shares["one-liners"] = sum(is_one_liner(one.code) for one in sampled) / len(sampled)
        shares[LENGTH] = sum(len(one.code.strip()) for one in sampled) / len(sampled)
    repeated, total = repeated_asserts([sample for sample in samples if sample.role == "verifier"])
    if total:
        shares["repeated asserts"] = repeated / total
    return shares


def written(diversity: Mapping[str, float], name: str) -> str:
    """One of the figures of `diversity_of` as a report shows it; "-" where it is missing."""
    if name not in diversity:
        return "-"
    return f"{diversity[name]:.0f}" if name == LENGTH else f"{diversity[name]:.0%}"
