"""`flywheel agree`: which of any model's solutions and tests agree with each other, from files to a file.

Held are the problems and the places of the lines in the other files; solutions and suites are read and run
some problems at a time. Answers may be raw: code in a fence is taken out of it, and of test text every line
that is no test is left out.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tasks.core.progress import watching
from tasks.core.records import Behaviour, Solution, Suite
from tasks.core.rows import Decision, Dropped
from tasks.execution import checkers
from tasks.execution.asked import AskedSuite
from tasks.execution.asked_problems import AskedProblem, assembled
from tasks.execution.determinism import SandboxPair, two_seeds
from tasks.execution.equivalence import compared_form, questions_of
from tasks.execution.exchange import (
    RowsByProblem,
    check_out,
    read_problems,
    whole_file,
)
from tasks.execution.problem_data import ProblemData
from tasks.execution.published import ExchangeFiles, exchange_files
from tasks.execution.step import execute_shard, mostly_sound
from tasks.execution.verdict_lines import NO_SUITE
from tasks.filtering.agreement import dropped_by
from tasks.filtering.decide import decide, rule_of
from tasks.filtering.rules.base import UNOPPOSED
from tasks.filtering.votes import ProblemVotes, problem_votes_of, ranked_groups
from tasks.generation.answers import bare_code
from tasks.generation.prompts import Refusal
from tasks.sandbox.backends import backend_of
from tasks.settings.agreement import AgreementSettings
from tasks.settings.judging import JudgingSettings
from tasks.settings.sandbox import SandboxSettings
from tasks.testcode.suites import case_source

CHUNK = 256
SAY_EVERY_S = 5.0
NO_SOLUTION = "no solution of this problem"
UNREAD = "no case that can be read"


@dataclass
class Tally:
    """What came out so far."""

    problems: int = 0
    kept: int = 0
    chosen: int = 0
    cases: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    def add(self, line: Mapping[str, Any]) -> None:
        self.problems += 1
        self.kept += line["kept"]
        self.chosen += len(line["chosen"])
        self.cases += len(line["cases"])
        self.reasons.update([line["reason"]] if line["reason"] else [])

    def __str__(self) -> str:
        reasons = "".join(f"; {reason} {count}" for reason, count in self.reasons.most_common())
        return (
            f"kept {self.kept} of {self.problems} problems with {self.chosen} solutions and "
            f"{self.cases} cases{reasons}; {time.monotonic() - self.started:.1f} s"
        )


@dataclass(frozen=True)
class Material:
    """What was read for one problem: the solutions that can run, why others cannot, and the suites.
    `texts` are the solutions as they came, by id."""

    problem: AskedProblem
    solutions: tuple[Solution, ...]
    refused: Mapping[str, str]
    asked: tuple[AskedSuite, ...]
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> int:
        return len(self.solutions) + len(self.refused)

    @property
    def suites(self) -> list[Suite]:
        return [asked.suite for asked in self.asked]

    @property
    def programs(self) -> list[Solution]:
        """The solutions as they run."""
        data_alone = all(asked.from_json for asked in self.asked)
        return [replace(one, code=assembled(self.problem, one.code, data_alone)) for one in self.solutions]


def agree_files(
    problems: Path,
    solutions: Path | None,
    tests: Path | None,
    out: Path,
    sandbox_settings: SandboxSettings,
    settings: AgreementSettings,
    log_progress: Callable[[str], None],
    judging: JudgingSettings | None = None,
    keep: Callable[[Decided], None] | None = None,
) -> Tally:
    """Decide every problem of the problems file; `out` gets a line each, in their order.

    `problems` may be a published data set, whose own solutions and tests are taken where those are None.
    `keep` is told of every problem that is kept. Every line is looked at before anything runs. Raises
    `FlywheelError` for wrong input, and then leaves no output.
    """
    rule_of(settings)
    check_out(out, [path for path in (problems, solutions, tests) if path])
    with TemporaryDirectory(prefix="flywheel-") as folder:
        files = exchange_files(problems, solutions, tests, Path(folder), log_progress)
        return _agree(
            files, out, sandbox_settings, settings, judging or JudgingSettings(), log_progress, keep
        )


def _agree(
    files: ExchangeFiles,
    out: Path,
    sandbox_settings: SandboxSettings,
    settings: AgreementSettings,
    judging: JudgingSettings,
    log_progress: Callable[[str], None],
    keep: Callable[[Decided], None] | None,
) -> Tally:
    known = read_problems(files.problems, judging)
    answers = RowsByProblem(files.solutions, "solution_id", known)
    suites = RowsByProblem(files.tests, "suite_id", known)
    log_progress(f"{len(known)} problems, {len(answers)} solutions, {len(suites)} suites")
    image = backend_of(sandbox_settings).prepare(sandbox_settings, log_progress)
    with (
        whole_file(out) as file,
        watching("agree", log_progress) as progress,
        two_seeds(sandbox_settings, image, f"agree-{os.getpid()}") as seeds,
    ):
        tally = Tally()
        early_stop_s = sandbox_settings.cpu_s if sandbox_settings.early_stop else 0.0
        progress.count(len(known), "problems")
        said = time.monotonic()
        for chunk in _chunks([*known.values()], answers, suites):
            with progress.span(len(chunk)):
                materials = [read_material(problem, answers, suites) for problem in chunk]
                for decided in decide_chunk(seeds, materials, settings, judging, early_stop_s):
                    file.write(f"{json.dumps(decided.line)}\n")
                    tally.add(decided.line)
                    if keep is not None and decided.decision.kept:
                        keep(decided)
            if time.monotonic() - said > SAY_EVERY_S:
                said = time.monotonic()
                progress.tell(f"{tally} ({tally.problems / len(known):.0%}, {progress.left()})")
    return tally


def read_material(problem: AskedProblem, answers: RowsByProblem, suites: RowsByProblem) -> Material:
    """A problem's solutions and suites, taken out of what a model wrote around them."""
    readable: list[Solution] = []
    refused: dict[str, str] = {}
    texts: dict[str, str] = {}
    for solution in answers.solutions(problem.problem_id):
        texts[solution.solution_id] = solution.code
        code = bare_code(solution.code, problem.entry_point)
        if isinstance(code, Refusal):
            refused[solution.solution_id] = f"cannot be read: {code.reason}"
        else:
            readable.append(replace(solution, code=code))
    asked = suites.suites(problem.problem_id, benchmark=False)
    return Material(problem, tuple(readable), refused, tuple(asked), texts)


@dataclass(frozen=True)
class Decided:
    """What was made of one problem: its behaviours and suites in the form that was compared, the null
    candidate's behaviour, the decision, and the line of the output."""

    material: Material
    behaviours: list[Behaviour]
    suites: list[Suite]
    null: Behaviour | None
    decision: Decision
    line: dict[str, Any]


def decide_chunk(
    seeds: SandboxPair,
    materials: Sequence[Material],
    settings: AgreementSettings,
    judging: JudgingSettings,
    early_stop_s: float = 0.0,
) -> Iterator[Decided]:
    """What is decided of each problem; programs are stopped early as `execute_shard` does.

    Raises `SandboxFault` if much of what ran broke.
    """
    behaviours: dict[str, list[Behaviour]] = {material.problem.problem_id: [] for material in materials}
    for row in mostly_sound(
        execute_shard(
            seeds,
            [ProblemData(one.problem, one.programs, one.suites) for one in materials],
            early_stop_s=early_stop_s,
        )
    ):
        behaviours[row.problem_id].append(row)
    with_checker = {one.problem.problem_id: one for one in materials if one.problem.checker}
    most = judging.checker_outputs
    answers = checkers.ask(
        seeds.first,
        {name: material.problem.checker for name, material in with_checker.items()},
        {
            name: questions_of(behaviours[name], material.suites, most)
            for name, material in with_checker.items()
        },
    )
    for material in materials:
        problem_id = material.problem.problem_id
        said = answers.get(problem_id, {})
        rows, suites = compared_form(material.problem, behaviours[problem_id], material.asked, said, most)
        null = rows.pop() if len(rows) > len(material.solutions) else None
        votes = problem_votes_of(problem_id, rows, suites, null, own_word=settings.own_word_votes)
        decision = decide(votes, settings)
        line = decided_line(material, votes, decision, suites, settings.rule)
        yield Decided(material, rows, suites, null, decision, line)


def decided_line(
    material: Material, votes: ProblemVotes, decision: Decision, suites: Sequence[Suite], rule: str
) -> dict[str, Any]:
    """What is said of one problem. `groups` are ranked; `chosen` and `cases` are empty unless it is kept."""
    dropped = list(dropped_by(votes, decision, material.solutions, suites))
    unread = [entry for asked in material.asked for entry in asked.entries if isinstance(entry, str)]
    empty = {asked.suite.suite_id: UNREAD for asked in material.asked if not asked.suite.cases}
    proposals = dict(zip(map(id, votes.cases), votes.proposals, strict=True))
    return {
        "problem_id": decision.problem_id,
        "rule": rule,
        "kept": decision.kept,
        "reason": NO_SUITE
        if not material.asked
        else NO_SOLUTION
        if not material.answers
        else decision.reason,
        "confident": decision.confident,
        "votes": decision.votes,
        "score": round(decision.score, 4),
        # Without a rival that has any score there is no ratio.
        "margin": None if decision.margin >= UNOPPOSED else round(decision.margin, 4),
        "chosen": list(decision.chosen) if decision.kept else [],
        "cases": [
            {
                "source": case.source or case_source(case, material.problem.entry_point),
                "suites": proposals[id(case)],
            }
            for case in (decision.cases if decision.kept else ())
        ],
        "groups": [
            {"solutions": list(group.members), "score": round(group.score, 4), "cases": len(group.satisfied)}
            for group in ranked_groups(votes)
        ],
        "dropped": {
            "solutions": {**material.refused, **_reasons(dropped, "solution")},
            "suites": {**empty, **_reasons(dropped, "suite")},
            "cases": dict(Counter([*map(_kind, unread), *_reasons(dropped, "case").values()]).most_common()),
        },
    }


def _reasons(dropped: Sequence[Dropped], kind: str) -> dict[str, str]:
    return {row.record_id: row.reason for row in dropped if row.kind == kind}


def _kind(reason: str) -> str:
    """A reason without the text that it quotes."""
    return reason.partition(":")[0]


def _chunks(
    problems: Sequence[AskedProblem], answers: RowsByProblem, suites: RowsByProblem
) -> Iterator[list[AskedProblem]]:
    """Problems that together have about `CHUNK` lines: enough to keep the containers busy."""
    chunk: list[AskedProblem] = []
    lines = 0
    for problem in problems:
        chunk.append(problem)
        lines += answers.count(problem.problem_id) + suites.count(problem.problem_id)
        if lines >= CHUNK:
            yield chunk
            chunk, lines = [], 0
    if chunk:
        yield chunk
