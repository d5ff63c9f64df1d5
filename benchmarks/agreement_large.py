"""The agreement rules once more, on many more samples: what the small study could not tell from luck.

    FLYWHEEL_DATA_DIR=... python benchmarks/agreement_large.py

Reads agreement_large.parquet: 32 solutions at 0.8, 32 at 0.4 and 24 suites on each of 674 labelled problems
(starter, MBPP sanitized, HumanEval), which SmolLM2-135M-Instruct wrote in two minutes on one H200 (vLLM 0.24,
bfloat16, 2026-11-27). Each problem is decided `DRAWS` times, every time on other samples of it: `EACH`
solutions of both temperatures and `SUITES` suites. The 208 problems of the small study, on 80 of which the
score was chosen, and the others, which nothing was ever chosen on, are told apart.

Every solution runs once, not twice as in an iteration: nothing here becomes a label. Takes ten minutes and
writes agreement_large.md beside this file; intervals are bootstrapped over problems.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.agreement_rules import RULES, Labelled, Rule
from benchmarks.agreement_samples import COOL, WARM, Drawn
from tasks.benchmarks.humaneval import load_humaneval
from tasks.benchmarks.mbpp import load_mbpp
from tasks.benchmarks.reference import reference_records
from tasks.benchmarks.starter import load_starter
from tasks.core.records import Behaviour, Case, Problem, Sample, Solution, Suite
from tasks.core.tables import by_problem, read_table
from tasks.execution.determinism import ProgramOutcomes
from tasks.execution.step import behaviours_of, programs_of
from tasks.execution.verdicts import CallPlan, holds, judge, plan_calls
from tasks.filtering.decide import decide
from tasks.filtering.votes import problem_votes_of
from tasks.generation.sampling import parse_samples
from tasks.sandbox.image import ensure_image
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.agreement import AgreementSettings
from tasks.settings.sandbox import SandboxSettings

SAMPLES = Path(__file__).with_name("agreement_large.parquet")
RESULT = Path(__file__).with_name("agreement_large.md")
DRAWS, EACH, SUITES = 5, 6, 6
ALL_SUITES = 24
YIELDS = (0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3)
BOOTSTRAP = 300
CODET = "CodeT: solutions x cases"
SHIPPED = "**(votes - 1) x log(1 + outputs)**"
SHOWN = (CODET, "before: sqrt(votes) x cases", "votes", SHIPPED)
SHARD = 10
SCORE_SHARES = (0.3, 0.5, 0.7, 0.9, 1.2)


@dataclass(frozen=True)
class Executed:
    """One problem with all its samples. The second part of `sample_id` is the temperature, the last the
    number."""

    problem: Problem
    solutions: Sequence[Solution]
    suites: Sequence[Suite]
    behaviours: dict[str, Behaviour]
    plan: CallPlan
    right: frozenset[str]

    @property
    def held_out(self) -> bool:
        return self.problem.split == "test"

    def holds(self, case: Case) -> bool:
        gold = self.behaviours[f"gold/{self.problem.problem_id}"]
        return judge(self.plan.outcome(gold, case), case) == "pass"


def load() -> list[Executed]:
    """All problems, executed and labelled."""
    rows = by_problem(read_table(SAMPLES, Drawn))
    problems = [p for p in (*load_starter(), *load_mbpp(), *load_humaneval()) if p.problem_id in rows]
    executed: list[Executed] = []
    settings = SandboxSettings(wall_s=30, cpu_s=0.3)
    with DockerSandbox(settings, ensure_image(print), "agreement-large") as sandbox:
        for start in range(0, len(problems), SHARD):
            shard = problems[start : start + SHARD]
            samples = [
                Sample(f"{p.problem_id}|{row.temperature}|{row.role}|{row.index}", p.problem_id, row.role,
                       row.index, "", row.completion, row.finish_reason, 0, 0)  # type: ignore[arg-type]
                for p in shard for row in rows[p.problem_id]
            ]  # fmt: skip
            written, proposed, _ = parse_samples(shard, samples, WARM)
            gold_solutions, gold_suites = reference_records(shard)
            solutions, suites = by_problem([*written, *gold_solutions]), by_problem([*proposed, *gold_suites])
            programs = [
                program
                for p in shard
                for program in programs_of(p, solutions[p.problem_id], suites[p.problem_id])
            ]
            runs = {run.program_id: ProgramOutcomes(run.calls, run.checks) for run in sandbox.run(programs)}
            executed += [_executed(p, solutions[p.problem_id], suites[p.problem_id], runs) for p in shard]
            print(f"executed {len(executed)} of {len(problems)} problems", file=sys.stderr, flush=True)
    return executed


def _executed(
    problem: Problem, solutions: Sequence[Solution], suites: Sequence[Suite], runs: dict[str, ProgramOutcomes]
) -> Executed:
    behaviours = {row.solution_id: row for row in behaviours_of(problem, solutions, runs)}
    plan = plan_calls(suites)
    gold = next(suite for suite in suites if suite.origin == "gold")
    sampled = [one for one in solutions if one.origin == "sample" and one.solution_id in behaviours]
    right = frozenset(s.solution_id for s in sampled if holds(behaviours[s.solution_id], gold, plan))
    own = [suite for suite in suites if suite.origin == "sample"]
    return Executed(problem, sampled, own, behaviours, plan, right)


def drawn(item: Executed, draw: int) -> Labelled:
    """The problem with the samples of one draw."""

    def taken(sample_id: str, first: int, count: int) -> bool:
        return first <= int(sample_id.rsplit("|", 1)[1]) < first + count

    solutions = [s for s in item.solutions if taken(s.sample_id, draw * EACH, EACH)]
    first = draw % (ALL_SUITES // SUITES) * SUITES
    suites = [s for s in item.suites if taken(s.sample_id, first, SUITES)]
    rows = [item.behaviours[s.solution_id] for s in solutions]
    null = item.behaviours.get(f"null/{item.problem.problem_id}")
    votes = problem_votes_of(item.problem.problem_id, rows, suites, null, item.plan)
    codes = {s.solution_id: s.code.strip() for s in solutions}
    return Labelled(
        item.problem,
        votes,
        item.right,
        tuple(map(item.holds, votes.cases)),
        codes,
        frozenset(),
    )


def precision(results: Sequence[tuple[float, float]], problems: int) -> list[float]:
    """The mean share of right solutions at each of `YIELDS`, from (score, share of right) a problem kept."""
    # Equal scores in an order that says nothing of the problem: rules that count have many.
    shuffled = random.Random(problems).sample(results, len(results))
    best = [right for _, right in sorted(shuffled, key=lambda result: -result[0])]
    shares = []
    for wanted in YIELDS:
        kept = round(wanted * problems)
        shares.append(float(np.mean(best[:kept])) if 0 < kept <= len(best) else float("nan"))
    return shares


def outcomes(items: Sequence[Labelled], rule: Rule) -> list[tuple[float, float] | None]:
    """(score, share of right solutions) of a rule's pick on each problem; None where it picks nothing."""
    picks = [rule(item) for item in items]
    return [
        pick and (pick.score, sum(one in item.right for one in pick.solutions) / len(pick.solutions))
        for item, pick in zip(items, picks, strict=True)
    ]


def table(title: str, draws: Sequence[Sequence[Labelled]]) -> list[str]:
    """Precision at each yield, a rule a row, means over the draws; and how far the shipped rule is ahead."""
    problems = len(draws[0])
    results = {name: [outcomes(items, RULES[name]) for items in draws] for name in SHOWN}

    def mean(name: str, chosen: Iterable[int]) -> np.ndarray:
        chosen = [*chosen]
        per_draw = [
            precision([kept for index in chosen if (kept := one[index])], problems) for one in results[name]
        ]
        return np.nanmean(per_draw, axis=0)

    everything = {name: mean(name, range(problems)) for name in SHOWN}
    rng = np.random.default_rng(0)
    resampled = [rng.integers(problems, size=problems) for _ in range(BOOTSTRAP)]
    ratios = np.array([mean(SHIPPED, chosen) / mean(CODET, chosen) for chosen in resampled])
    low, high = np.nanpercentile(ratios, [2.5, 97.5], axis=0)
    ahead = everything[SHIPPED] / everything[CODET]
    solved = np.mean([[bool(item.right & item.votes.vectors.keys()) for item in items] for items in draws])
    return [
        f"## {title}",
        "",
        f"{problems} problems; a draw has a right solution on {solved:.0%} of them.",
        "",
        f"| problems kept | {' | '.join(f'{share:.0%}' for share in YIELDS)} |",
        f"|---|{'---|' * len(YIELDS)}",
        *(f"| {name} | {' | '.join(f'{value:.0%}' for value in everything[name])} |" for name in SHOWN),
        "| shipped : CodeT (95 % over problems) | "
        + " | ".join(f"{a:.2f} ({b:.2f} - {c:.2f})" for a, b, c in zip(ahead, low, high, strict=True))
        + " |",
        "",
    ]


def thresholds(draws: Sequence[Sequence[Labelled]]) -> list[str]:
    """What the default rule keeps of each benchmark at some thresholds on the score."""
    lines = [
        "## The shipped rule, by benchmark and `agreement.min_score_share`",
        "",
        "Kept; right code among the chosen, mean over kept problems; true cases of those kept:",
        "",
        f"| benchmark | {' | '.join(f'{share:g}' for share in SCORE_SHARES)} |",
        f"|---|{'---|' * len(SCORE_SHARES)}",
    ]
    for source in dict.fromkeys(item.problem.source for item in draws[0]):
        items = [item for labelled in draws for item in labelled if item.problem.source == source]
        cells = [kept_under(items, AgreementSettings(min_score_share=share)) for share in SCORE_SHARES]
        lines.append(f"| {source} | {' | '.join(cells)} |")
    return [*lines, ""]


def kept_under(items: Sequence[Labelled], settings: AgreementSettings) -> str:
    code: list[float] = []
    cases: list[bool] = []
    for item in items:
        decision = decide(item.votes, settings)
        if decision.kept:
            code.append(sum(one in item.right for one in decision.chosen) / len(decision.chosen))
            place = {id(case): index for index, case in enumerate(item.votes.cases)}
            cases += [item.true[place[id(case)]] for case in decision.cases]
    if not code:
        return "nothing"
    return f"{len(code) / len(items):.1%}; {np.mean(code):.0%}; {np.mean(cases):.0%}"


def main() -> None:
    executed = load()
    draws = [[drawn(item, draw) for item in executed] for draw in range(DRAWS)]
    lines = [
        "# Agreement on 674 problems",
        "",
        f"SmolLM2-135M-Instruct; {EACH} solutions at {WARM.temperature}, {EACH} at {COOL.temperature} and "
        f"{SUITES} suites a draw, {DRAWS} draws. Made by `python benchmarks/agreement_large.py`. The "
        "share of right solutions among the chosen of what a rule scores highest:",
        "",
    ]
    for title, held_out in (("The problems of the small study", False), ("Held out", True)):
        part = [
            [labelled for labelled, item in zip(items, executed, strict=True) if item.held_out is held_out]
            for items in draws
        ]
        lines += table(title, part)
    lines += thresholds(draws)
    RESULT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
