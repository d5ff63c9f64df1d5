"""Early stops beside all programs having all of their time: are decisions the same, and what is saved?

    FLYWHEEL_DATA_DIR=... python benchmarks/early_stop.py [problems [first]]

Decides each problem of agreement_large.parquet (64 solutions and 24 suites each of SmolLM2-135M-Instruct on
674 labelled problems) twice, in turn, with `sandbox.early_stop` and without, by the rule `consensus` and its
defaults; prints seconds, how many programs ran out of time, and each decision that differs. Needs Docker.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.agreement_large import SAMPLES
from benchmarks.agreement_samples import WARM, Drawn
from tasks.benchmarks.humaneval import load_humaneval
from tasks.benchmarks.mbpp import load_mbpp
from tasks.benchmarks.starter import load_starter
from tasks.core.records import Behaviour, Problem, Sample
from tasks.core.rows import Decision
from tasks.core.tables import by_problem, read_table
from tasks.execution.determinism import SandboxPair, two_seeds
from tasks.execution.problem_data import ProblemData, join_by_problem
from tasks.execution.step import execute_shard
from tasks.filtering.decide import decide
from tasks.filtering.votes import votes_by_problem
from tasks.generation.sampling import parse_samples
from tasks.sandbox.image import ensure_image
from tasks.settings.agreement import AgreementSettings
from tasks.settings.sandbox import SandboxSettings

SHARD = 16


def data_of(problems: list[Problem], rows: dict[str, list[Drawn]]) -> list[ProblemData]:
    """The problems with the solutions and suites that can be read from their recorded answers."""
    samples = [
        Sample(f"{p.problem_id}|{row.temperature}|{row.role}|{row.index}", p.problem_id, row.role,
               row.index, "", row.completion, row.finish_reason, 0, 0)  # type: ignore[arg-type]
        for p in problems for row in rows[p.problem_id]
    ]  # fmt: skip
    solutions, suites, _ = parse_samples(problems, samples, WARM)
    return join_by_problem(problems, solutions, suites)


def decided(
    seeds: SandboxPair, data: list[ProblemData], early_stop_s: float
) -> tuple[float, list[Decision], list[Behaviour]]:
    """Seconds, decisions and behaviours."""
    started = time.monotonic()
    rows = execute_shard(seeds, data, early_stop_s=early_stop_s)
    seconds = time.monotonic() - started
    of = by_problem(rows)
    executed = [
        ProblemData(one.problem, one.solutions, one.suites, of.get(one.problem_id, [])) for one in data
    ]
    return seconds, [decide(votes, AgreementSettings()) for votes in votes_by_problem(executed, False)], rows


def differences(one: Decision, two: Decision) -> list[str]:
    """What of a decision differs: whether and which solutions and cases are kept, and pairs made."""
    parts = {
        "kept": (one.kept, two.kept),
        "chosen": (set(one.chosen), set(two.chosen)),
        "rejected": (set(one.rejected), set(two.rejected)),
        "cases": (set(one.cases), set(two.cases)),
        "confident": (one.confident, two.confident),
        "reason": (one.reason, two.reason),
    }
    return [name for name, (a, b) in parts.items() if a != b]


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 10**9
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    rows = by_problem(read_table(SAMPLES, Drawn))
    known = [*load_starter(), *load_mbpp(), *load_humaneval()]
    problems = [problem for problem in known if problem.problem_id in rows][first : first + most]
    settings = SandboxSettings()
    seconds, timeouts, different = Counter[str](), Counter[str](), Counter[str]()
    with two_seeds(settings, ensure_image(print), "early-stop") as seeds:
        for start in range(0, len(problems), SHARD):
            data = data_of(problems[start : start + SHARD], rows)
            ways = [("early", settings.cpu_s), ("whole", 0.0)]
            found = {}
            for name, early_stop_s in ways if start // SHARD % 2 else ways[::-1]:
                took, decisions, behaviours = decided(seeds, data, early_stop_s)
                seconds[name] += took
                timeouts[name] += sum(any(o.kind == "timeout" for o in row.calls) for row in behaviours)
                found[name] = decisions
            for one, two in zip(found["early"], found["whole"], strict=True):
                if parts := differences(one, two):
                    different[", ".join(parts)] += 1
                    print(f"{one.problem_id}: {parts}, kept {one.kept} / {two.kept}", flush=True)
            done = min(start + SHARD, len(problems))
            print(f"{done} problems: {dict(seconds)}", file=sys.stderr, flush=True)
    print(
        f"{len(problems)} problems: {seconds['early']:.0f} s with early stops, {seconds['whole']:.0f} s "
        f"without ({seconds['whole'] / seconds['early']:.2f} times as long); programs with a timeout "
        f"{timeouts['early']} and {timeouts['whole']}; decisions that differ: {dict(different) or 'none'}"
    )


if __name__ == "__main__":
    main()
