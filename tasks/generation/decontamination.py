"""Texts that say the same: exact and near duplicates, and overlap with benchmark problems."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tasks.core.fragments import is_deep, parse_python
from tasks.core.records import Problem
from tasks.generation.words import ngrams, words

if TYPE_CHECKING:
    # It imports scipy: a second that commands which only read do not pay.
    from datasketch import MinHash

NGRAM_WORDS = 8
SHINGLE_WORDS = 3
PERMUTATIONS = 128
# The index finds pairs that are a little less alike too, so as to miss few that are as alike.
SLACK, LEAST_SIMILAR = 0.2, 0.1
# Characters of a program, and of asserts together, from which on equal ones are no accident.
LEAST_CODE, LEAST_TESTS = 80, 45
_CALLED = re.compile(r"^assert\w+\(")


def _minhash(shingles: Iterable[tuple[str, ...]]) -> MinHash:
    from datasketch import MinHash

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
    from datasketch import MinHashLSH

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
    """Code without comments, docstrings and layout; '' when it does not parse. Of a program that cannot be
    written back from its tree, its tokens."""
    tree = parse_python(code)
    if tree is None:
        return ""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1 and isinstance(body[0], ast.Expr):
            constant = body[0].value
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                del body[0]
    return _written_back(tree) or " ".join(_tokens(code))


def _written_back(tree: ast.Module) -> str | None:
    """None of a tree that is too deep, or has an integer of more digits than Python writes."""
    try:
        return None if is_deep(tree) else ast.unparse(tree)
    except ValueError:
        return None


def _tokens(code: str) -> list[str]:
    """The tokens of code that parses, without comments, line breaks and texts that stand alone."""
    tokens: list[str] = []
    fresh = True
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL) or (fresh and token.type == tokenize.STRING):
            continue
        fresh = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            tokens.append(tokenize.tok_name[token.type])
        elif token.string.strip():
            tokens.append(token.string)
    return tokens


class _Renamed(ast.NodeTransformer):
    """Whatever a program names itself, by the order in which it first names it."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = {name: f"v{number}" for number, name in enumerate(dict.fromkeys(names))}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg, node.annotation = self.names.get(node.arg, node.arg), None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.name, node.returns = self.names.get(node.name, node.name), None
        self.generic_visit(node)
        return node


def renamed_code(code: str) -> str:
    """`normal_code` under other names: of its functions, arguments and variables, without annotations."""
    tree = parse_python(normal_code(code)) or parse_python(code)
    if tree is None:
        return ""
    bound = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            bound.append(node.name)
        elif isinstance(node, ast.arg):
            bound.append(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.append(node.id)
    renamed = _Renamed(bound)
    if is_deep(tree):
        return " ".join(renamed.names.get(token, token) for token in _tokens(code))
    return _written_back(renamed.visit(tree)) or normal_code(code)


def plain_asserts(text: str) -> set[str]:
    """The asserts of a test text in one style, without layout and without the name that they call."""
    tree = parse_python(text)
    if tree is None:
        lines = [line.strip() for line in text.split("\n")]
    else:
        lines = [_in_one_style(node, text) for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    return {_CALLED.sub("assert_(", re.sub(r"\s", "", line)) for line in lines if line.startswith("assert ")}


def _in_one_style(node: ast.Assert, text: str) -> str:
    try:
        return ast.unparse(ast.Assert(test=node.test, msg=None))
    except (RecursionError, ValueError):
        return ast.get_source_segment(text, node) or ""


class Contamination:
    """Everything of the benchmarks that self-play must not see: n-grams, short statements, gold code under
    any names, gold asserts under any function's name."""

    def __init__(self, benchmark: Iterable[Problem]) -> None:
        self._grams: dict[tuple[str, ...], str] = {}
        self._code: dict[tuple[str, str], str] = {}
        self._renamed: dict[str, str] = {}
        self._asserts: dict[str, set[str]] = {}
        for problem in benchmark:
            for gram in ngrams(problem.statement, NGRAM_WORDS):
                self._grams.setdefault(gram, problem.problem_id)
            if code := normal_code(problem.gold_solution):
                self._code[(problem.entry_point, code)] = problem.problem_id
                if len(renamed := renamed_code(code)) >= LEAST_CODE:
                    self._renamed[renamed] = problem.problem_id
            for line in plain_asserts("\n".join(problem.gold_suite)):
                self._asserts.setdefault(line, set()).add(problem.problem_id)
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
        """The benchmark problem whose gold code this is, by its own names, or by any if it is no short one:
        `return a + b` is nobody's."""
        by_name = entry_point in self._entry_points and self._code.get((entry_point, normal_code(code)))
        if by_name:
            return by_name
        return self._renamed.get(renamed_code(code)) if self._renamed else None

    def of_tests(self, text: str) -> str | None:
        """The benchmark problem that these asserts are of: two of them or more, and no short ones."""
        shared: dict[str, list[str]] = {}
        for line in plain_asserts(text):
            for problem_id in self._asserts.get(line, ()):
                shared.setdefault(problem_id, []).append(line)
        return next(
            (name for name, lines in shared.items() if len(lines) > 1 and len("".join(lines)) >= LEAST_TESTS),
            None,
        )
