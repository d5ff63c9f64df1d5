"""Texts that say the same: exact and near duplicates, and overlap with benchmark problems."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from datasketch import MinHash, MinHashLSH

from tasks.records import Problem

NGRAM_WORDS = 8
SHINGLE_WORDS = 3
PERMUTATIONS = 128
# The index finds pairs that are a little less alike too, so as to miss few that are as alike.
SLACK, LEAST_SIMILAR = 0.2, 0.1


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits."""
    return re.findall(r"[a-z0-9]+", text.lower())


def ngrams(text: str, size: int) -> set[tuple[str, ...]]:
    """All runs of `size` words; a shorter text is one run of all its words."""
    tokens = words(text)
    if len(tokens) <= size:
        return {tuple(tokens)} if tokens else set()
    return {tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)}


def _minhash(shingles: Iterable[tuple[str, ...]]) -> MinHash:
    sketch = MinHash(num_perm=PERMUTATIONS)
    for shingle in shingles:
        sketch.update(" ".join(shingle).encode())
    return sketch


def find_duplicates(
    problems: Sequence[Problem], earlier: Sequence[Problem], threshold: float
) -> dict[str, tuple[str, str]]:
    """`{problem_id: (reason, id of what it repeats)}` for problems that repeat an earlier one or each other.

    Exact: the same words. Near: Jaccard similarity of word 3-grams >= threshold, for pairs that MinHash
    (Broder 1997) proposes. The first of equal problems stays.
    """
    index = MinHashLSH(threshold=max(LEAST_SIMILAR, threshold - SLACK), num_perm=PERMUTATIONS)
    exact: dict[tuple[str, ...], str] = {}
    known: dict[int, tuple[str, set[tuple[str, ...]]]] = {}
    duplicates: dict[str, tuple[str, str]] = {}
    for position, problem in enumerate([*earlier, *problems]):
        tokens, shingles = tuple(words(problem.statement)), ngrams(problem.statement, SHINGLE_WORDS)
        sketch = _minhash(shingles)
        if position >= len(earlier):
            if tokens in exact:
                duplicates[problem.problem_id] = ("exact duplicate", exact[tokens])
                continue
            alike = (known[other] for other in sorted(index.query(sketch)))
            near = next((name for name, its in alike if _jaccard(shingles, its) >= threshold), None)
            if near is not None:
                duplicates[problem.problem_id] = ("near duplicate", near)
                continue
        exact.setdefault(tokens, problem.problem_id)
        known[position] = problem.problem_id, shingles
        index.insert(position, sketch)
    return duplicates


def _jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / max(1, len(one | other))


def normal_code(code: str) -> str:
    """Code without comments, docstrings and layout; '' when it does not parse."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return ""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1 and isinstance(body[0], ast.Expr):
            constant = body[0].value
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                del body[0]
    return ast.unparse(tree)


class Contamination:
    """Everything of the benchmarks that self-play must not see: n-grams, short statements, gold code."""

    def __init__(self, benchmark: Iterable[Problem]) -> None:
        self._grams: dict[tuple[str, ...], str] = {}
        self._code: dict[tuple[str, str], str] = {}
        for problem in benchmark:
            for gram in ngrams(problem.statement, NGRAM_WORDS):
                self._grams.setdefault(gram, problem.problem_id)
            if code := normal_code(problem.gold_solution):
                self._code[(problem.entry_point, code)] = problem.problem_id
        self._sizes = {len(gram) for gram in self._grams}
        self._entry_points = {entry_point for entry_point, _ in self._code}

    def of_text(self, text: str) -> tuple[str, str] | None:
        """(matched words, benchmark problem) when the text shares 8 words in a row with a statement, or
        all words of a shorter one; None when it is clean."""
        tokens = words(text)
        for size in self._sizes:
            for gram in (tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)):
                if gram in self._grams:
                    return " ".join(gram), self._grams[gram]
        return None

    def of_code(self, entry_point: str, code: str) -> str | None:
        """The benchmark problem whose entry point and gold code these are."""
        if entry_point not in self._entry_points:
            return None
        return self._code.get((entry_point, normal_code(code)))
