"""Solutions as evaluation harnesses write them, for problems that were converted or have an id of that name.

    {"task_id", "completion"}      HumanEval: goes on where the problem's prompt ends
    {"task_id", "solution"}        EvalPlus, BigCodeBench: the whole program
    {"question_id", "code_list"}   LiveCodeBench: several programs
    {"problem_id" or "id" or "task_id", "code" or "solution" or "completion" or "generations"}

Solutions of one problem are numbered in their order, from 0, where they have no `solution_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.execution.converters.base import Row

IDS = ("problem_id", "task_id", "question_id", "id")
CODES = ("code", "solution", "code_list", "generations", "completion")


def is_sample(row: Row) -> bool:
    """Whether a row has an id and code under names that are known here."""
    return any(name in row for name in IDS) and any(name in row for name in CODES)


def solutions_of(row: Row, prompts: Mapping[str, str], counts: dict[str, int]) -> list[dict[str, Any]]:
    """The solutions of a row as lines of a solutions file. `prompts` are those that completions go on from,
    by problem; `counts` numbers the solutions of a problem and is raised here."""
    problem_id = str(next(row[name] for name in IDS if row.get(name) is not None))
    field = next(name for name in CODES if name in row)
    codes = row[field] if isinstance(row[field], list) else [row[field]]
    prompt = prompts.get(problem_id, "") if field == "completion" else ""
    lines = []
    for code in codes:
        number = counts[problem_id] = counts.get(problem_id, -1) + 1
        name = row.get("solution_id") if len(codes) == 1 else None
        whole = prompt + code if isinstance(code, str) and not _defines(code, prompt) else code
        lines.append(
            {"problem_id": problem_id, "solution_id": str(number) if name is None else name, "code": whole}
        )
    return lines


def _defines(code: str, prompt: str) -> bool:
    """Whether a completion is the whole program: it does not begin inside a function's body."""
    first = next((line for line in code.split("\n") if line.strip()), "")
    return not prompt or first.startswith(("def ", "import ", "from ", "class ", "@"))
