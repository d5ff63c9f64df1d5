"""Signatures as users and models write them: what begins with one can be run, or it is refused."""

# ruff: noqa: RUF001
from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.core.errors import FlywheelError
from tasks.core.records import Problem
from tasks.generation import prompts
from tasks.generation.answers import parse_problem, parse_solution
from tasks.generation.problems import read_statements
from tasks.generation.signatures import BadSignature, imports_of, plain_signature

SOLVABLE = {
    "def f(a, b)": ([], "def f(a, b):"),
    "def f(a: list[int], b: str | None = None) -> dict[str, int]:": ([], ""),
    "def f(xs: List[int]) -> Optional[int]:": (["from typing import List, Optional"], ""),
    "def f(self, xs: List[int]) -> int:": (["from typing import List"], "def f(xs: List[int]) -> int:"),
    "def f(cls, /, a=(1, 2), *, key=' '): ...": ([], "def f(a=(1, 2), *, key=' '):"),
    "def f(d: datetime.date, m=math.pi) -> 'Anything':": (["import datetime", "import math"], ""),
    "def f(d: datetime, n: Decimal)": (
        ["from datetime import datetime", "from decimal import Decimal"], "def f(d: datetime, n: Decimal):",
    ),
    "def f(c: Counter, q: typing.Deque[int]) -> Callable[[int], deque]:": (
        ["import typing", "from collections import Counter, deque", "from typing import Callable"], "",
    ),
}  # fmt: skip
UNSOLVABLE = {
    "def g(a):": "is no `def f\\(..\\):`",
    "class f:": "is no `def f",
    "def f(a:": "is no `def f",
    "def f(self):": "is a method's",
    "def f(root: Optional[TreeNode]) -> int:": "uses TreeNode",
    "def f(a, eps=EPS):": "uses EPS",
    "def f(a: np.ndarray):": "uses np",
    "def f(a: typing.Lists[int]):": "uses typing.Lists",
}


@pytest.mark.parametrize("signature", SOLVABLE)
def test_what_a_signature_names_is_imported_in_prompt_and_program(signature: str) -> None:
    imports, line = SOLVABLE[signature]
    plain = plain_signature(signature, "f")
    assert plain == (line or signature)
    assert imports_of(plain) == imports
    problem = Problem("p", "Do something with these.", "f", plain, "statement")
    prompt = prompts.solver_prompt(problem)
    code = parse_solution(prompt, " return 7\n```", "f")
    assert isinstance(code, str)
    space: dict[str, object] = {}
    exec(code, space)
    assert callable(space["f"])
    # A row shows the sampled prompt, and what follows it is the program again.
    completion = prompts.solver_completion(prompt, code)
    assert isinstance(completion, str)
    assert parse_solution(prompt, completion, "f") == code
    assert all(name in prompt.prefill for name in imports)
    # The code that a task brings along need not be asked for again.
    given = Problem("p", "Do.", "f", plain, "b", preamble="".join(f"{name}\n" for name in imports))
    assert "import" not in prompts.solver_prompt(given).prefill


@pytest.mark.parametrize("signature", UNSOLVABLE)
def test_what_nobody_could_solve_is_refused_with_its_line(signature: str, tmp_path: Path) -> None:
    assert isinstance(plain_signature(signature, "f"), BadSignature)
    path = tmp_path / "statements.jsonl"
    row = {"problem_id": "p", "statement": "Do it.", "entry_point": "f", "signature": signature}
    path.write_text(json.dumps({**row, "problem_id": "q", "signature": "def f(a):"}) + "\n" + json.dumps(row))
    with pytest.raises(FlywheelError, match=f"line 2: the signature {UNSOLVABLE[signature]}"):
        read_statements(path)


def test_statements_of_methods_become_functions(tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    signature = "def two_sum(self, nums: List[int], target: int) -> List[int]:"
    row = {"problem_id": "p", "statement": "Find two.", "entry_point": "two_sum", "signature": signature}
    path.write_text(json.dumps(row))
    (problem,) = read_statements(path)
    assert problem.signature == "def two_sum(nums: List[int], target: int) -> List[int]:"


def test_a_proposal_that_names_what_is_nowhere_is_refused() -> None:
    prompt = prompts.proposer_prompt("def area(w, h):\n    return w * h")
    task = "\nTask: Write a function that adds all the values of a tree."
    refusal = parse_problem(prompt, f" total(root: TreeNode):{task}")
    assert isinstance(refusal, prompts.Refusal)
    assert refusal.reason == "bad_signature"
    assert "uses TreeNode" in refusal.detail
    assert not isinstance(parse_problem(prompt, f" total(xs: List[int]):{task}"), prompts.Refusal)
    # Fewer than five words, in a script without spaces.
    short = parse_problem(prompt, " total(xs):\nTask: 求总和。")
    assert isinstance(short, prompts.Refusal)
    assert short.reason == "short_statement"
    assert not isinstance(
        parse_problem(prompt, " total(xs):\nTask: 编写函数，返回列表的总和。"), prompts.Refusal
    )
