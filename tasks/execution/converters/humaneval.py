"""HumanEval (openai/human-eval, HumanEval.jsonl), and data sets in its layout, with `check(candidate)` as
their test: HumanEval+ and HumanEval as the hub has them, HumanEval-X and others.

`prompt` is code up to the function's body, `canonical_solution` the body. A completion that someone sampled
goes on where the prompt ends (`tasks.execution.converters.samples`).
"""

from __future__ import annotations

from tasks.execution.converters.base import Converted, Converter, Row, first_id


def convert(row: Row, number: int) -> Converted:
    """A row: the test runs as it is, `check` is called with the entry point."""
    code = row["prompt"] + row["canonical_solution"]
    return Converted(
        {
            "problem_id": first_id(row, number, "task_id"),
            "statement": row["prompt"],
            "entry_point": row["entry_point"],
            "prompt": row["prompt"],
        },
        [{"suite_id": "check", "code": row["test"]}],
        [{"solution_id": "canonical", "code": code}],
    )


HUMANEVAL = Converter(
    "humaneval",
    "HumanEval, and what is published in its layout (HumanEval+ on the hub)",
    frozenset({"task_id", "prompt", "entry_point", "canonical_solution", "test"}),
    convert,
    without=frozenset({"base_input"}),
)
