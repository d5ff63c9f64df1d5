"""A recorded model: right and wrong answers to a handful of statements, as an engine would give them."""

from __future__ import annotations

import json
from pathlib import Path

from tasks.benchmarks.starter import load_starter
from tasks.core.records import Problem
from tasks.evaluation.evaluation_set import first_of_each
from tasks.generation import prompts
from tasks.models.chat_format import ChatFormat
from tasks.models.resolve import tiny_random_llama
from tasks.settings.iteration import IterationSettings
from tests.support.formats import demo_text

# statement, signature, right body, wrong bodies, asserts (the last one is wrong)
STATEMENTS = [
    ("Write a function that doubles a price.", "def double_price(p):", "p * 2", ["p + 2", "p * 3"],
     ["(1) == 2", "(4) == 8", "(0) == 0", "(5) == 11"]),
    ("Write a function that returns the last letter of a nonempty word.", "def last_letter(w):", "w[-1]",
     ["w[0]", "w[-2:]"], ["('abc') == 'c'", "('x') == 'x'", "('hello') == 'o'", "('ab') == 'a'"]),
    ("Write a function that counts how many items a basket holds.", "def count_items(b):", "len(b)",
     ["len(b) + 1", "len(set(b))"], ["([1, 1]) == 2", "([]) == 0", "([7]) == 1", "([1, 2]) == 3"]),
    ("Write a function that gives the warmest of several temperatures.", "def warmest(t):", "max(t)",
     ["min(t)", "t[0]"], ["([1, 9, 3]) == 9", "([5]) == 5", "([-2, -8]) == -2", "([4, 2]) == 2"]),
    ("Write a function that adds a tip of five to a bill.", "def with_tip(b):", "b + 5", ["b * 5", "b"],
     ["(5 + 5) == 15", "(0) == 0x5", "(7) == 12", "(1) == 7"]),
    ("Write a function that shouts: its text in capital letters.", "def shout(t):", "t.upper()",
     ["t.lower()", "t.title()"], ["('hi') == \"HI\"", '("a b") == "A B"', '("Ok") == "OK"', '("x") == "x"']),
]  # fmt: skip


def problems() -> list[Problem]:
    return [
        Problem(f"replay/{i}", text, signature[4:].partition("(")[0], signature, "statement")
        for i, (text, signature, *_) in enumerate(STATEMENTS)
    ]


def write_statements(path: Path) -> None:
    rows = [
        {
            "problem_id": p.problem_id,
            "statement": p.statement,
            "entry_point": p.entry_point,
            "signature": p.signature,
        }
        for p in problems()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_recording(
    path: Path, settings: IterationSettings, chat_format: ChatFormat | None = None, before: str = ""
) -> None:
    """Completions for every prompt of an iteration with these settings: in the demo's format, or another one,
    each with something `before` it, as a thought."""
    size = settings.sampling.cases_per_suite
    style = prompts.style_of(chat_format) if chat_format else prompts.DEMO
    lines = []

    def record(prompt: prompts.Prompt, completions: list[str | prompts.Refusal]) -> None:
        usable = [before + text for text in completions if isinstance(text, str)]
        rendered = chat_format.render(prompt.messages, prompt.prefill).text if chat_format else ""
        lines.append(json.dumps({"prompt": rendered or demo_text(prompt), "completions": usable}))

    def program(prompt: prompts.Prompt, code: str) -> str | prompts.Refusal:
        opening = "" if prompt.prefill else "```python\n"
        return f"{opening}{code}\n```" if chat_format else prompts.solver_completion(prompt, code)

    for problem, (_, signature, right, wrong, asserts) in zip(problems(), STATEMENTS, strict=True):
        solver = prompts.solver_prompt(problem, style)
        codes = [f"{signature}\n    return {body}" for body in (right, right, right, right, *wrong)]
        record(solver, [program(solver, code) for code in codes])
        tests = [f"assert {problem.entry_point}{text}" for text in asserts]
        verifier = prompts.verifier_prompt(problem, size, style)
        good = prompts.verifier_completion(verifier, tests[:3])
        bad = prompts.verifier_completion(verifier, [tests[3], *tests[:2]])
        record(verifier, [good, bad, "!!! no test at all"])
    for problem in first_of_each(load_starter(), settings.evaluation.max_problems):
        solver = prompts.solver_prompt(problem, style)
        record(solver, [
            program(solver, code.strip())
            for code in (problem.gold_solution, problem.gold_solution, *problem.wrong_solutions)
        ])  # fmt: skip
        verifier = prompts.verifier_prompt(problem, size, style)
        record(verifier, [prompts.verifier_completion(verifier, list(problem.gold_suite[:3]))])
    path.write_text("\n".join(lines) + "\n")


def settings_in(folder: Path) -> IterationSettings:
    """Settings of a recorded iteration whose files lie in `folder`."""
    settings = IterationSettings.model_validate(
        {
            "workspace": str(folder / "workspace"),
            "campaign": {"iterations": 2},
            "iteration": 1,
            "model": {"name": str(tiny_random_llama(folder / "tiny"))},
            "engine": {"replay": str(folder / "recording.jsonl")},
            "problems": {"statements": str(folder / "statements.jsonl"), "propose": 0},
            "sampling": {
                "format": "smollm-demo",
                "solutions": 6,
                "suites": 3,
                "cases_per_suite": 3,
                "shard_problems": 2,
            },
            "agreement": {"min_votes": 3, "pair_votes": 3, "min_score_share": 0.0},
            "training": {"sft_epochs": 1, "min_rows": 2, "max_length": 1024, "sft_learning_rate": 1e-3},
            "evaluation": {"max_problems": 4, "solutions": 4, "suites": 1, "bootstrap": 200},
        }
    )
    write_statements(folder / "statements.jsonl")
    write_recording(folder / "recording.jsonl", settings)
    return settings


def config_in(folder: Path) -> Path:
    """The same settings as a file for `--config`."""
    lines: dict[str, list[str]] = {"": []}
    for name, value in settings_in(folder).model_dump(mode="json", exclude_unset=True).items():
        section, fields = (name, value) if isinstance(value, dict) else ("", {name: value})
        lines.setdefault(section, []).extend(f"{key} = {json.dumps(one)}" for key, one in fields.items())
    path = folder / "settings.toml"
    path.write_text(
        "\n".join("\n".join([f"[{section}]"][: len(section)] + rows) for section, rows in lines.items())
    )
    return path
