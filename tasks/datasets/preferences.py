"""Kept problems -> SFT rows and DPO pairs for both roles.

Every row names the ids of the records it came from (`flywheel show RUN sft`, `pairs`). Code is never bent to
tests or tests to code: rows only select among independent samples, or recombine cases that were kept.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from tasks.core.progress import over
from tasks.core.records import Behaviour
from tasks.core.rows import Decision, Dropped, Pair, SftRow
from tasks.datasets.kept_problem import KeptProblem, load_kept_problems
from tasks.datasets.pair_rules import chosen_rules
from tasks.datasets.row_filters import room_beside
from tasks.datasets.solver_rows import solver_sft, solver_taught
from tasks.datasets.verifier_rows import good_suites, suite_taught, verifier_sft
from tasks.execution.problem_data import SampleRefs, read_problem_data
from tasks.filtering.decide import FILTER_VERSION
from tasks.generation import prompts
from tasks.pipeline.stage import IterationContext, stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Ref, Stage
from tasks.settings.preferences import PreferenceSettings
from tasks.settings.sampling import SamplingSettings

UNSURE = "kept, but not sure enough (agreement.pair_votes, agreement.pair_margin)"


def kill_counts(kept_problems: Sequence[KeptProblem]) -> dict[str, int]:
    """What the sampled suites that hold on the winners reject."""
    counts = dict.fromkeys(("reject a losing solution", "reject mutants alone", "reject nothing"), 0)
    for item in kept_problems:
        for suite in item.suites:
            if all(item.passes(item.decision.chosen[0], case) for case in suite.cases):
                killed = item.kills(suite.cases)
                losers = any(target in item.solutions for target in killed)
                kind = "a losing solution" if losers else "mutants alone" if killed else "nothing"
                counts[f"reject {kind}"] += 1
    return counts


def cap_share(pairs: Sequence[Pair], reason: str, share: float) -> tuple[list[Pair], list[Dropped]]:
    """Keep at most `share` of the result with that reason; the best scored stay."""
    others = [pair for pair in pairs if pair.reason != reason]
    capped = sorted((p for p in pairs if p.reason == reason), key=lambda p: (-p.score, p.row_id))
    room = room_beside(len(others), share)
    dropped = [
        Dropped("prefer", "pair", p.row_id, p.problem_id, f"too many pairs of the kind: {reason}")
        for p in capped[room:]
    ]
    return [*others, *capped[:room]], dropped


@dataclass
class Rows:
    """What kept problems give: rows of both kinds, and all that they did not give, with the reason."""

    sft: list[SftRow]
    pairs: list[Pair]
    dropped: list[Dropped]


def rows_of(kept_problems: Iterable[KeptProblem], size: int, settings: PreferenceSettings, seed: int) -> Rows:
    """The rows of all kept problems; suites have `size` cases."""
    rows, rules = Rows([], [], []), chosen_rules(settings)
    for item in kept_problems:
        problem_id = item.problem.problem_id
        rng = random.Random(f"{seed}/{problem_id}")
        tests = verifier_sft(item, size, settings, rng)
        sft = [*solver_sft(item, settings, rng), *tests]
        pairs = [(rule, rule.make(item, size, settings, rng)) for rule in rules]
        rows.sft += sft
        rows.pairs += [pair for _, made in pairs for pair in made]
        if not tests:
            reason = "no suite holds and rejects a loser or a mutant"
            rows.dropped.append(Dropped("prefer", "problem", problem_id, problem_id, reason))
        for rule, made in pairs:
            if not made:
                reason = f"no pair of the {rule.name}: {rule.no_pair if item.decision.confident else UNSURE}"
                rows.dropped.append(Dropped("prefer", "problem", problem_id, problem_id, reason))
        made_rows: list[SftRow | Pair] = [*sft, *(pair for _, made in pairs for pair in made)]
        used = {source for row in made_rows for source in row.sources}
        misfits = [*misfits_of(item)]
        told = {row.record_id for row in misfits}
        rows.dropped += [*misfits, *unused(item, used | told)]
    for rule in rules:
        if rule.capped_reason:
            same = [pair for pair in rows.pairs if pair.role == rule.role]
            kept, over = cap_share(same, rule.capped_reason, rule.max_share(settings))
            rows.pairs = [*(pair for pair in rows.pairs if pair.role != rule.role), *kept]
            rows.dropped += over
    return rows


def misfits_of(kept_problem: KeptProblem) -> Iterator[Dropped]:
    """Programs and good suites of which no row can be made that has the prompt they were sampled with."""
    for solution_id in (*kept_problem.decision.chosen, *kept_problem.decision.rejected):
        if isinstance(refusal := solver_taught(kept_problem, solution_id), prompts.Refusal):
            yield _dropped(kept_problem, "solution", solution_id, refusal.reason, refusal.detail)
    for suite in good_suites(kept_problem):
        if isinstance(refusal := suite_taught(kept_problem, suite), prompts.Refusal):
            yield _dropped(kept_problem, "suite", suite.suite_id, refusal.reason, refusal.detail)


def _dropped(kept_problem: KeptProblem, kind: str, record_id: str, reason: str, detail: str = "") -> Dropped:
    return Dropped("prefer", kind, record_id, kept_problem.problem.problem_id, reason, detail)


def unused(kept_problem: KeptProblem, used: Collection[str]) -> Iterator[Dropped]:
    """Samples of a kept problem that agreement kept or that lost, and that are in no row."""
    for solution_id in kept_problem.decision.chosen:
        if solution_id not in used:
            reason = "won, and its problem has rows enough of others like it"
            yield _dropped(kept_problem, "solution", solution_id, reason)
    winner = kept_problem.decision.chosen[0]
    for suite in kept_problem.suites:
        holds = bool(suite.cases) and all(kept_problem.passes(winner, case) for case in suite.cases)
        if holds and suite.suite_id not in used:
            reason = "holds, and its problem has rows enough, or it rejects nothing"
            yield _dropped(kept_problem, "suite", suite.suite_id, reason)


def show_pairs(stage: Stage, kept_problems: Sequence[KeptProblem], pairs: Sequence[Pair]) -> None:
    """The surest pair of each role, for people."""
    problem_of = {item.problem.problem_id: item.problem for item in kept_problems}
    for role in ("solver", "verifier"):
        best = max((pair for pair in pairs if pair.role == role), key=lambda pair: pair.score, default=None)
        if best is not None:
            statement = problem_of[best.problem_id].statement
            title = f"A pair of the {role} (the rejected side {best.reason}): {statement}"
            stage.show(title, f"# chosen\n{best.chosen}\n\n# rejected\n{best.rejected}")


class PreferenceStatistics(Statistics):
    """The rows that an iteration's kept problems give."""

    kind: Literal["prefer"] = "prefer"
    sft: dict[str, int] = Field(description="SFT rows by role.")
    pairs: dict[str, int] = Field(description="Pairs by role.")
    recombined: int = Field(description="SFT rows whose suite is recombined from kept cases.")
    non_equivalent_mutants: int = Field(description="Mutants that ran and behave otherwise than winners.")
    kills: dict[str, int] = Field(description="Suites that hold on the winners, by what they reject.")
    pair_reasons: dict[str, int] = Field(description="Pairs by role: why the rejected side is rejected.")
    dropped: dict[str, int] = Field(description="What is in no row, by kind: reason.")


@dataclass(frozen=True)
class RulesInUse:
    """The versions of the pair rules that the settings name."""

    rule_versions: tuple[tuple[str, int], ...]


def rules_in_use(_context: IterationContext, settings: PreferenceSettings) -> RulesInUse:
    """Raises `FlywheelError` when no rule has a name that is configured."""
    return RulesInUse(tuple((rule.name, rule.version) for rule in chosen_rules(settings)))


@stage(StageName.PREFER, FILTER_VERSION, looks_up=rules_in_use, constants={"prompts": prompts.VERSION})
def prefer(
    stage: Stage,
    _rules: RulesInUse,
    samples: SampleRefs,
    mutant_behaviours: Ref,
    decisions: Ref,
    sampling: SamplingSettings,
    settings: PreferenceSettings,
    seed: int,
) -> None:
    """SFT rows and preference pairs of both roles from the kept problems, with prompts as they were asked."""
    kept_problems = load_kept_problems(
        read_problem_data(stage, samples, with_samples=True),
        stage.read(mutant_behaviours, Behaviour),
        stage.read(decisions, Decision),
        sampling,
    )
    rows = rows_of(over(kept_problems, "kept problems"), sampling.cases_per_suite, settings, seed)
    stage.write("sft", SftRow, rows.sft)
    stage.write("pairs", Pair, rows.pairs)
    stage.write("dropped", Dropped, rows.dropped)
    show_pairs(stage, kept_problems, rows.pairs)
    stage.statistics = PreferenceStatistics(
        sft=Counter(row.role for row in rows.sft),
        pairs=Counter(pair.role for pair in rows.pairs),
        recombined=sum(row.recombined for row in rows.sft),
        non_equivalent_mutants=sum(
            target not in one.solutions for one in kept_problems for target in one.targets
        ),
        kills=kill_counts(kept_problems),
        pair_reasons=Counter(f"{pair.role}: {pair.reason}" for pair in rows.pairs),
        dropped=Counter(f"{row.kind}: {row.reason}" for row in rows.dropped),
    )
