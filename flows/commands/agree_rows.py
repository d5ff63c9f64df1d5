"""`flywheel agree --rows`: SFT rows and pairs of what is kept, for whoever samples and trains elsewhere.

An answer is trained as it came, under the conversation that this project would ask with. Rows are in the
layout that TRL calls conversational: `prompt` and `completion`, or `prompt`, `chosen` and `rejected`, all of
them lists of messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flows.commands.agree import Decided
from tasks.core.errors import FlywheelError
from tasks.core.records import Message, Role, Sample
from tasks.core.rows import Decision, Pair, SftRow
from tasks.datasets.kept_problem import KeptProblem, load_kept_problems
from tasks.datasets.preferences import Rows, rows_of
from tasks.execution.exchange import whole_file
from tasks.execution.problem_data import ProblemData
from tasks.generation.prompts import Prompt, Style, solver_prompt, verifier_prompt
from tasks.settings.preferences import PreferenceSettings
from tasks.settings.sampling import SamplingSettings

STYLE = Style("chat", "none", False)
SFT, PAIRS = "sft.jsonl", "pairs.jsonl"


class RowCollector:
    """Makes rows of the problems that it is told of; `write` puts them into a new folder."""

    def __init__(self, folder: Path, settings: PreferenceSettings, seed: int) -> None:
        if folder.exists():
            raise FlywheelError(f"--rows {folder} is there already: name a new folder.")
        if not folder.resolve().parent.is_dir():
            raise FlywheelError(
                f"--rows {folder}: there is no folder {folder.resolve().parent}, make it first."
            )
        self.folder, self.settings, self.seed = folder, settings, seed
        self.kept: list[KeptProblem] = []

    def keep(self, decided: Decided) -> None:
        """Takes a kept problem."""
        self.kept.append(kept_problem_of(decided))

    def write(self) -> Rows:
        """Write the rows; what they are, and what came to no row."""
        sampling = SamplingSettings()
        # Nothing is written anew: there is no style of a model's own to write it in.
        settings = self.settings.model_copy(update={"recombine": False})
        rows = rows_of(self.kept, sampling.cases_per_suite, settings, self.seed)
        self.folder.mkdir()
        _write(self.folder / SFT, (_sft(row) for row in rows.sft))
        _write(self.folder / PAIRS, (_pair(pair) for pair in rows.pairs))
        return rows


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with whole_file(path) as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def kept_problem_of(decided: Decided) -> KeptProblem:
    """A kept problem as rows are made from it: its answers are samples, ids begin with the problem's."""
    material = decided.material
    problem = material.problem
    name = problem.problem_id

    def own(one: str) -> str:
        return f"{name}/{one}"

    cases = SamplingSettings().cases_per_suite
    solver, verifier = solver_prompt(problem, STYLE), verifier_prompt(problem, cases, STYLE)
    texts = {own(asked.suite.suite_id): asked.text for asked in material.asked if asked.text}
    samples = [_sample(name, "solver", own(one), text, solver) for one, text in material.texts.items()]
    samples += [_sample(name, "verifier", one, text, verifier) for one, text in texts.items()]
    solutions = [
        replace(one, solution_id=own(one.solution_id), sample_id=f"solver/{own(one.solution_id)}")
        for one in material.solutions
    ]
    suites = [
        replace(one, suite_id=own(one.suite_id), sample_id=f"verifier/{own(one.suite_id)}")
        for one in decided.suites
    ]
    # Of data there is no text to train.
    suites = [one if one.suite_id in texts else replace(one, origin="gold") for one in suites]
    behaviours = [replace(row, solution_id=own(row.solution_id)) for row in decided.behaviours]
    null = [replace(decided.null, solution_id=f"null/{name}")] if decided.null else []
    data = ProblemData(problem, solutions, suites, [*behaviours, *null], samples)
    (kept,) = load_kept_problems([data], [], [_named(decided.decision, own)], SamplingSettings(format="chat"))
    return kept


def _named(decision: Decision, own: Callable[[str], str]) -> Decision:
    return replace(
        decision, chosen=tuple(map(own, decision.chosen)), rejected=tuple(map(own, decision.rejected))
    )


def _sample(problem_id: str, role: Role, name: str, text: str, prompt: Prompt) -> Sample:
    return Sample(f"{role}/{name}", problem_id, role, 0, "", text, "stop", 0, 0, messages=prompt.messages)


def _messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [asdict(message) for message in messages]


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _sft(row: SftRow) -> dict[str, Any]:
    return {
        "prompt": _messages(row.messages),
        "completion": _answer(row.completion),
        **_about(row),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "prompt": _messages(pair.messages),
        "chosen": _answer(pair.chosen),
        "rejected": _answer(pair.rejected),
        "reason": pair.reason,
        **_about(pair),
    }


def _about(row: SftRow | Pair) -> dict[str, Any]:
    return {
        "role": row.role,
        "problem_id": row.problem_id,
        "sources": [source for source in row.sources if source],
        "score": round(row.score, 4),
    }
