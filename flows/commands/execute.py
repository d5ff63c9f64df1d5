"""`flywheel execute`: any solutions against any suites of their problems, from files to a file.

Solutions stream through the sandbox in chunks; problems and suites are held. A solution runs over the union
of its problem's calls, as in an iteration (`tasks.execution.step`), and a verdict means the same.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tasks.core.progress import watching
from tasks.core.records import Solution
from tasks.core.tables import by_problem
from tasks.execution import checkers
from tasks.execution.as_checks import as_checks, calls_with_objects
from tasks.execution.asked import AskedSuite
from tasks.execution.asked_problems import AskedProblem, assembled
from tasks.execution.determinism import SandboxPair, two_seeds
from tasks.execution.exchange import (
    check_out,
    count_solutions,
    read_problems,
    read_solutions,
    read_suites,
    whole_file,
)
from tasks.execution.problem_data import ProblemData
from tasks.execution.published import ExchangeFiles, exchange_files
from tasks.execution.step import execute_shard
from tasks.execution.verdict_lines import NO_SUITE, judged_suite, unmet
from tasks.execution.verdicts import plan_calls
from tasks.sandbox.backends import backend_of
from tasks.settings.judging import JudgingSettings
from tasks.settings.sandbox import SandboxSettings

CHUNK = 512
SAY_EVERY_S = 5.0


@dataclass
class Tally:
    """What came out so far."""

    solutions: int = 0
    suites: int = 0
    passed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    def add(self, lines: Sequence[Mapping[str, Any]]) -> None:
        self.suites += sum(line["suite_id"] is not None for line in lines)
        self.passed += sum(line["passed"] for line in lines)
        self.verdicts.update(case["verdict"] for line in lines for case in line["cases"])

    @property
    def faults(self) -> int:
        return self.verdicts["fault"]

    def __str__(self) -> str:
        seconds = time.monotonic() - self.started
        verdicts = ", ".join(f"{name} {self.verdicts[name]}" for name in ("pass", "fail", "invalid", "fault"))
        return (
            f"{self.solutions} solutions, {self.suites} suites judged, {self.passed} passed; "
            f"cases: {verdicts}; {seconds:.1f} s, {self.solutions / max(seconds, 1e-3):.0f} solutions/s"
        )


def execute_files(
    problems: Path,
    solutions: Path | None,
    tests: Path | None,
    out: Path,
    settings: SandboxSettings,
    log_progress: Callable[[str], None],
    judging: JudgingSettings | None = None,
) -> Tally:
    """Judge every solution by every suite of its problem; `out` gets a line each, solutions in their order.

    `problems` may be a published data set, whose own solutions and tests are taken where those are None.
    Everything is read and checked before anything runs. Raises `FlywheelError` for wrong input, and then
    leaves no output.
    """
    check_out(out, [path for path in (problems, solutions, tests) if path])
    with TemporaryDirectory(prefix="flywheel-") as folder:
        files = exchange_files(problems, solutions, tests, Path(folder), log_progress)
        return _execute(files, out, settings, judging or JudgingSettings(), log_progress)


def _execute(
    files: ExchangeFiles,
    out: Path,
    settings: SandboxSettings,
    judging: JudgingSettings,
    log_progress: Callable[[str], None],
) -> Tally:
    known = read_problems(files.problems, judging)
    suites = read_suites(files.tests, known)
    count = count_solutions(files.solutions, known)
    log_progress(f"{len(known)} problems, {sum(map(len, suites.values()))} suites, {count} solutions")
    if alone := [problem_id for problem_id in known if problem_id not in suites]:
        log_progress(
            f"{NO_SUITE}, so that no solution of it passes: {', '.join(alone[:5])}{_more(alone[5:])}"
        )
    image = backend_of(settings).prepare(settings, log_progress)
    with (
        whole_file(out) as file,
        watching("execute", log_progress) as progress,
        two_seeds(settings, image, f"execute-{os.getpid()}") as seeds,
    ):
        tally = Tally()
        progress.count(count, "solutions")
        said = time.monotonic()
        for chunk in _chunks(read_solutions(files.solutions, known)):
            with progress.span(len(chunk)):
                lines = list(judge_solutions(seeds, known, suites, chunk))
            file.writelines(f"{json.dumps(line)}\n" for line in lines)
            tally.solutions += len(chunk)
            tally.add(lines)
            if time.monotonic() - said > SAY_EVERY_S:
                said = time.monotonic()
                progress.tell(f"{tally} ({tally.solutions / count:.0%}, {progress.left()})")
    return tally


def judge_solutions(
    seeds: SandboxPair,
    problems: Mapping[str, AskedProblem],
    suites: Mapping[str, Sequence[AskedSuite]],
    solutions: Sequence[Solution],
) -> Iterator[dict[str, Any]]:
    """The output's lines: solution by solution, and the suites of each in their order.

    Calls are planned by suite_id, so what a solution runs does not depend on the order of any file.
    """
    numbered: dict[str, list[Solution]] = {}
    for number, solution in enumerate(solutions):
        problem_id = solution.problem_id
        data_alone = all(asked.from_json for asked in suites.get(problem_id, ()))
        code = assembled(problems[problem_id], solution.code, data_alone)
        row = replace(solution, solution_id=str(number), code=code)
        numbered.setdefault(problem_id, []).append(row)
    ordered = {
        problem_id: sorted(
            (asked.suite for asked in suites.get(problem_id, ())), key=lambda suite: suite.suite_id
        )
        for problem_id in numbered
    }
    rows = execute_shard(
        seeds, [ProblemData(problems[name], numbered[name], ordered[name]) for name in numbered]
    )
    # A call that came to an object is asked for again where a test can look at it.
    objects = calls_with_objects(rows, ordered)
    if objects:
        suites = {
            problem_id: [as_checks(one, objects.get(problem_id, frozenset())) for one in asked]
            for problem_id, asked in suites.items()
        }
        for problem_id in objects:
            ordered[problem_id] = sorted(
                (asked.suite for asked in suites[problem_id]), key=lambda suite: suite.suite_id
            )
        rows = [row for row in rows if row.problem_id not in objects]
        rows += execute_shard(
            seeds, [ProblemData(problems[name], numbered[name], ordered[name]) for name in objects]
        )
    behaviours = {row.solution_id: row for row in rows}
    plans = {problem_id: plan_calls(ordered[problem_id]) for problem_id in numbered}
    texts = {name: problems[name].checker for name in numbered if problems[name].checker}
    of_problem = by_problem(rows)
    answers = checkers.ask(
        seeds.first,
        texts,
        {name: checkers.questions_of(of_problem.get(name, ()), ordered[name], plans[name]) for name in texts},
    )
    for number, solution in enumerate(solutions):
        problem_id = solution.problem_id
        if not suites.get(problem_id):
            yield unmet(solution)
        for asked in suites.get(problem_id, ()):
            yield judged_suite(
                asked,
                solution,
                plans[problem_id],
                behaviours.get(str(number)),
                behaviours.get(f"null/{problem_id}"),
                answers.get(problem_id),
            )


def _more(others: Sequence[object]) -> str:
    return f" and {len(others)} more" if others else ""


def _chunks(solutions: Iterable[Solution]) -> Iterator[list[Solution]]:
    stream = iter(solutions)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk
