"""Whom to believe once the champion was trained on its own votes: the filter with and without a reference
model.

    python benchmarks/reference_study.py

Reads reference_samples.parquet: what the base model and the models of two iterations of a night (`cpu-night`,
commit 93532cd, 2026-11-27) wrote on the 90 problems of the starter benchmark, ten solutions and five suites
each at temperature 0.6. Decides without gold, with the default thresholds and votes in proportion as the
audit has them, and then opens it: a kept problem is right if most of its chosen solutions pass the gold
suite. Where fewer than all ten solutions of a model take part, the figures are means over `DRAWS` draws.
Writes reference_study.md beside this file.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.benchmarks.reference import reference_records
from tasks.benchmarks.starter import load_starter
from tasks.core.records import Behaviour, Problem, Sample, Solution, Suite
from tasks.core.statistics import wilson
from tasks.core.tables import by_problem, read_table
from tasks.execution.determinism import two_seeds
from tasks.execution.problem_data import join_by_problem
from tasks.execution.step import execute_shard
from tasks.execution.verdicts import CallPlan, holds, plan_calls
from tasks.filtering.decide import decide
from tasks.filtering.votes import problem_votes_of
from tasks.generation.sampling import parse_samples
from tasks.sandbox.image import ensure_image
from tasks.settings.agreement import AgreementSettings
from tasks.settings.sampling import SamplingSettings
from tasks.settings.sandbox import SandboxSettings

SAMPLES = Path(__file__).with_name("reference_samples.parquet")
RESULT = Path(__file__).with_name("reference_study.md")
MODELS = ("base", "turn 1", "turn 2")
DRAWN, DRAWS = 10, 10
NIGHT = SamplingSettings(solutions=24, suites=12)
RULE = AgreementSettings()
SHARD = 10


@dataclass(frozen=True, slots=True)
class Told:
    """A completion of one of the models, without its prompt, which the problem gives back."""

    model: str
    problem_id: str
    role: str
    index: int
    completion: str
    finish_reason: str


@dataclass(frozen=True)
class Heard:
    """One problem: each model's solutions and suites, what the solutions did, and which are right."""

    problem_id: str
    solutions: Mapping[str, Sequence[str]]
    suites: Mapping[str, Sequence[Suite]]
    behaviours: Mapping[str, Behaviour]
    plan: CallPlan
    right: frozenset[str]


def load() -> list[Heard]:
    """All problems, executed and labelled."""
    told = by_problem(read_table(SAMPLES, Told))
    problems = load_starter()
    heard: list[Heard] = []
    with two_seeds(SandboxSettings(wall_s=30), ensure_image(print), "reference-study") as seeds:
        for start in range(0, len(problems), SHARD):
            shard = problems[start : start + SHARD]
            solutions, suites = reference_records(shard)
            for model in MODELS:
                # Both models drew with the same seeds: the model's name tells their records apart.
                samples = [
                    Sample(f"{model}/{row.problem_id}/{row.role}/{row.index}", row.problem_id, row.role,
                           row.index, "", row.completion, row.finish_reason, 0, 0)  # type: ignore[arg-type]
                    for problem in shard for row in told[problem.problem_id] if row.model == model
                ]  # fmt: skip
                written, proposed, _ = parse_samples(shard, samples, NIGHT)
                solutions += written
                suites += proposed
            joined = join_by_problem(shard, solutions, suites)
            rows = by_problem(execute_shard(seeds, joined))
            heard += [_heard(one.problem, one.solutions, one.suites, rows[one.problem_id]) for one in joined]
            print(f"executed {len(heard)} of {len(problems)} problems", file=sys.stderr, flush=True)
    return heard


def _heard(
    problem: Problem, solutions: Sequence[Solution], suites: Sequence[Suite], rows: Sequence[Behaviour]
) -> Heard:
    plan = plan_calls(suites)
    behaviours = {row.solution_id: row for row in rows}
    gold = next(suite for suite in suites if suite.origin == "gold")
    ids: dict[str, list[str]] = {model: [] for model in MODELS}
    for solution in solutions:
        if solution.origin == "sample" and solution.solution_id in behaviours:
            ids[solution.sample_id.split("/")[0]].append(solution.solution_id)
    return Heard(
        problem.problem_id,
        ids,
        {model: [s for s in suites if s.sample_id.startswith(f"{model}/")] for model in MODELS},
        behaviours,
        plan,
        frozenset(i for group in ids.values() for i in group if holds(behaviours[i], gold, plan)),
    )


@dataclass(frozen=True)
class Jury:
    """Who writes the suites and how many solutions each model gives; the base's are the reference model's or
    not."""

    suites: str
    solutions: Mapping[str, int]
    share: float | None = None


def judged(problems: Sequence[Heard], jury: Jury) -> tuple[float, float]:
    """(problems kept with most chosen solutions right, problems kept), a draw."""
    everything = all(count == DRAWN for count in jury.solutions.values())
    draws = 1 if everything else DRAWS
    kept = right = 0
    for draw in range(draws):
        for chosen, heard in _kept(problems, jury, random.Random(draw)):
            kept += 1
            right += 2 * sum(one in heard.right for one in chosen) > len(chosen)
    return right / draws, kept / draws


def _kept(problems: Sequence[Heard], jury: Jury, rng: random.Random) -> Iterator[tuple[Sequence[str], Heard]]:
    votes = max(2, round(RULE.min_votes * sum(jury.solutions.values()) / NIGHT.solutions))
    rule = RULE.model_copy(update={"min_votes": votes, "min_reference_share": jury.share or 0.0})
    for heard in problems:
        names = {
            model: rng.sample(heard.solutions[model], min(count, len(heard.solutions[model])))
            for model, count in jury.solutions.items()
        }
        rows = [heard.behaviours[one] for group in names.values() for one in group]
        null = heard.behaviours.get(f"null/{heard.problem_id}")
        problem_votes = problem_votes_of(heard.problem_id, rows, heard.suites[jury.suites], null, heard.plan)
        if jury.share is not None:
            problem_votes = replace(problem_votes, reference_solutions=frozenset(names["base"]))
        decision = decide(problem_votes, rule)
        if decision.kept:
            yield decision.chosen, heard


def juries() -> Iterator[tuple[str, Jury]]:
    yield "base alone", Jury("base", {"base": 10})
    for model in MODELS[1:]:
        yield f"{model} alone", Jury(model, {model: 10})
        for theirs in (5, 7):
            mixed = {model: DRAWN - theirs, "base": theirs}
            yield f"{DRAWN - theirs} solutions of {model}, {theirs} of the base", Jury(model, mixed)
            for least in range(1, 5):
                # The rule asks for at least the share; of those that ran, so a little less than all.
                share = (least - 0.5) / theirs
                yield f"the same, {least} of the {theirs} among the winners", Jury(model, mixed, share)
        yield f"base alone, on the suites of {model}", Jury(model, {"base": 10})


def main() -> None:
    problems = load()
    lines = [
        "# The filter with the base model as the reference model",
        "",
        "The base model and the models of two iterations on 90 starter problems, 10 solutions and 5 suites "
        "each. Made by `python benchmarks/reference_study.py`.",
        "",
        "| who votes | problems kept | of them right | 95 % Wilson |",
        "|---|---|---|---|",
    ]
    for name, jury in juries():
        right, kept = judged(problems, jury)
        low, high = wilson(round(right), round(kept))
        share = right / kept if kept else 0
        lines.append(f"| {name} | {kept:.1f} | {right:.1f} ({share:.0%}) | {low:.0%} - {high:.0%} |")
    text = "\n".join([*lines, ""])
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
