"""Kept problems -> SFT rows and DPO pairs for both roles.

Every row names the ids of the records it came from (`flywheel show RUN sft`, `pairs`). Code is never bent to
tests or tests to code: rows only select among independent samples, or assemble cases that were kept.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence
from itertools import product

from tasks import prompts
from tasks.consensus import FILTER_VERSION
from tasks.evidence import Evidence, gather
from tasks.records import (
    Behaviour,
    Case,
    Decision,
    Dropped,
    Pair,
    Problem,
    SftRow,
    Solution,
    Suite,
    record_id,
)
from tasks.settings import PreferenceSettings, SamplingSettings
from tasks.stages import Turn, run_stage, step
from tasks.suites import case_key, case_source
from tasks.workspace import Ref, Stage, StageResult

IDLE = "rejects nothing"


def _draw_distinct(evidence: Evidence, ids: Sequence[str], count: int, rng: random.Random) -> list[Solution]:
    """Up to `count` distinct programs, drawn (not the shortest: training would learn brevity)."""
    order = rng.sample(list(ids), len(ids))
    distinct = {evidence.solutions[solution_id].code.strip(): solution_id for solution_id in order}
    return [evidence.solutions[solution_id] for solution_id in list(distinct.values())[:count]]


def solver_sft(evidence: Evidence, settings: PreferenceSettings, rng: random.Random) -> list[SftRow]:
    """Solutions of the winning group."""
    prompt = prompts.solver_prompt(evidence.problem, evidence.layout)
    drawn = _draw_distinct(evidence, evidence.decision.chosen, settings.sft_per_problem, rng)
    return [
        SftRow(
            row_id=record_id("sft", solution.solution_id),
            role="solver",
            problem_id=evidence.problem.problem_id,
            prompt=prompt.full,
            completion=completion,
            sources=(solution.solution_id, solution.sample_id),
            score=evidence.decision.score,
        )
        for solution in drawn
        if isinstance(completion := prompts.solver_completion(prompt, solution.code), str)
    ]


def shorter_by(chosen: str, rejected: str) -> tuple[bool, int]:
    """Whether the chosen text is the shorter one, and how many characters they differ by: less is better.

    DPO learns whatever tells the sides apart, and winners are mostly shorter than what they beat.
    """
    return len(chosen) < len(rejected), abs(len(chosen) - len(rejected))


def solver_pairs(evidence: Evidence, settings: PreferenceSettings, rng: random.Random) -> list[Pair]:
    """Winners over losers that fail agreed cases. No loser serves twice.

    Losers that ran come first; then pairs whose chosen side is not the shorter one, however far apart; then
    winners that have served least; then pairs near in length.
    """
    if not evidence.decision.confident:
        return []
    losers = [
        evidence.solutions[solution_id]
        for solution_id in evidence.decision.rejected
        if not all(evidence.passes(solution_id, case) for case in evidence.decision.cases)
    ]
    losers = list({solution.code.strip(): solution for solution in losers}.values())
    winners = _draw_distinct(evidence, evidence.decision.chosen, len(evidence.decision.chosen), rng)
    crashes = {loser.solution_id: not evidence.runs(loser.solution_id) for loser in losers}
    used: Counter[str] = Counter()
    prompt = prompts.solver_prompt(evidence.problem, evidence.layout)
    pairs = []
    for _ in range(min(settings.pairs_per_problem, len(losers))):
        ranked = []
        for chosen, rejected in product(winners, losers):
            shorter, gap = shorter_by(chosen.code, rejected.code)
            rank = crashes[rejected.solution_id], shorter, used[chosen.solution_id], gap
            ranked.append((rank, chosen, rejected))
        _, chosen, rejected = min(ranked, key=lambda item: item[0])
        losers.remove(rejected)
        used[chosen.solution_id] += 1
        good = prompts.solver_completion(prompt, chosen.code)
        bad = prompts.solver_completion(prompt, rejected.code)
        if isinstance(good, prompts.Refusal) or isinstance(bad, prompts.Refusal):
            continue
        pairs.append(
            Pair(
                row_id=record_id("pair", chosen.solution_id, rejected.solution_id),
                role="solver",
                problem_id=evidence.problem.problem_id,
                prompt=prompt.full,
                chosen=good,
                rejected=bad,
                reason="crashes" if crashes[rejected.solution_id] else "fails agreed cases",
                sources=(chosen.solution_id, rejected.solution_id),
                score=evidence.decision.score,
            )
        )
    return pairs


def good_suites(evidence: Evidence) -> list[Suite]:
    """Sampled suites whose every case the winning group satisfies and that reject a loser or a mutant."""
    winner = evidence.decision.chosen[0]
    return [
        suite
        for suite in evidence.suites
        if len(suite.cases) >= 2
        and all(case.call or case.check not in evidence.invalid for case in suite.cases)
        and all(evidence.passes(winner, case) for case in suite.cases)
        and evidence.kills(suite.cases)
    ]


def assembled_suite(evidence: Evidence, size: int, rng: random.Random) -> Suite | None:
    """A suite of kept cases that rejects a loser or a mutant: distinct expected values first, then any."""
    cases = rng.sample(list(evidence.decision.cases), len(evidence.decision.cases))
    fresh = {case.expected or case.raises or case.check: case for case in cases}
    first = {case_key(case) for case in fresh.values()}
    ordered = [*fresh.values(), *(case for case in cases if case_key(case) not in first)]
    picked = tuple(ordered[:size])
    if len(picked) < 2 or not evidence.kills(picked):
        return None
    suite_id = record_id("assembled", evidence.problem.problem_id, *(case.source for case in picked))
    return Suite(suite_id, evidence.problem.problem_id, picked)


def _suite_text(evidence: Evidence, cases: Sequence[Case]) -> str | prompts.Refusal:
    prompt = prompts.verifier_prompt(evidence.problem, len(cases), evidence.layout)
    return prompts.verifier_completion(
        prompt, [case_source(case, evidence.problem.entry_point) for case in cases]
    )


def _chosen_suites(
    evidence: Evidence, size: int, count: int, settings: PreferenceSettings, rng: random.Random
) -> list[tuple[Suite, bool]]:
    """Up to `count` good suites and whether each was assembled; sampled ones first, by what they kill."""
    sampled = good_suites(evidence)
    distinct = {tuple(case.source for case in s.cases): s for s in rng.sample(sampled, len(sampled))}
    strongest = sorted(distinct.values(), key=lambda suite: -len(evidence.kills(suite.cases)))
    chosen = [(suite, False) for suite in strongest[:count]]
    while settings.assemble and len(chosen) < count:
        suite = assembled_suite(evidence, size, rng)
        if suite is None or suite.suite_id in {other.suite_id for other, _ in chosen}:
            break
        chosen.append((suite, True))
    return chosen


def verifier_sft(
    evidence: Evidence, size: int, settings: PreferenceSettings, rng: random.Random
) -> list[SftRow]:
    """Suites that hold on the winning group and reject a loser or a mutant; the first such is a source."""
    return [
        SftRow(
            row_id=record_id("sft", suite.suite_id),
            role="verifier",
            problem_id=evidence.problem.problem_id,
            prompt=prompts.verifier_prompt(evidence.problem, len(suite.cases), evidence.layout).full,
            completion=completion,
            sources=(
                *(suite.suite_id, suite.sample_id),
                *evidence.decision.chosen[:1],
                *evidence.kills(suite.cases)[:1],
            ),
            assembled=assembled,
            score=evidence.decision.score,
        )
        for suite, assembled in _chosen_suites(evidence, size, settings.sft_per_problem, settings, rng)
        if isinstance(completion := _suite_text(evidence, suite.cases), str)
    ]


def verifier_pairs(
    evidence: Evidence, size: int, settings: PreferenceSettings, rng: random.Random
) -> list[Pair]:
    """A good suite over one that contradicts the winning group (or rejects nothing): same number of cases.

    Good suites take turns, bad ones serve once: first those that are no longer than the good one, then those
    near in length (`shorter_by`). A pair's sources are both suites, a winner, and the loser or mutant that
    the good suite rejects.
    """
    if not evidence.decision.confident:
        return []
    winner = evidence.decision.chosen[0]
    waiting = deque(_chosen_suites(evidence, size, settings.pairs_per_problem, settings, rng))
    rejects = rng.sample(evidence.suites, len(evidence.suites))
    pairs: list[Pair] = []
    while waiting and len(pairs) < settings.pairs_per_problem:
        suite, assembled = waiting.popleft()
        made = [pair for bad in rejects if (pair := _against(evidence, suite, assembled, bad, winner))]
        if not made:
            # Rejects only get fewer: it will find none later.
            continue
        best = min(made, key=lambda pair: (pair.reason == IDLE, *shorter_by(pair.chosen, pair.rejected)))
        pairs.append(best)
        rejects = [bad for bad in rejects if bad.suite_id != best.sources[1]]
        waiting.append((suite, assembled))
    return pairs


def _against(evidence: Evidence, suite: Suite, assembled: bool, bad: Suite, winner: str) -> Pair | None:
    """A good suite over a bad one, both cut to equally many cases; None where that is no pair."""
    wrong = [case for case in bad.cases if not evidence.passes(winner, case)]
    if not wrong and evidence.kills(bad.cases):
        return None
    # What is wrong with it must survive the cut.
    ordered = [*wrong, *(case for case in bad.cases if case not in wrong)]
    count = min(len(suite.cases), len(ordered))
    good_cases, bad_cases = suite.cases[:count], sorted(ordered[:count], key=bad.cases.index)
    killed = evidence.kills(good_cases)
    if count < 2 or not killed:
        return None
    good_text, bad_text = _suite_text(evidence, good_cases), _suite_text(evidence, bad_cases)
    if isinstance(good_text, prompts.Refusal) or isinstance(bad_text, prompts.Refusal):
        return None
    return Pair(
        row_id=record_id("pair", suite.suite_id, bad.suite_id),
        role="verifier",
        problem_id=evidence.problem.problem_id,
        prompt=prompts.verifier_prompt(evidence.problem, count, evidence.layout).full,
        chosen=good_text,
        rejected=bad_text,
        reason="contradicts the consensus" if wrong else IDLE,
        sources=(suite.suite_id, bad.suite_id, winner, killed[0]),
        assembled=assembled,
        score=evidence.decision.score,
    )


def kill_counts(evidence: Sequence[Evidence]) -> dict[str, int]:
    """What the sampled suites that hold on the winners reject."""
    counts = dict.fromkeys(("reject a losing solution", "reject mutants alone", "reject nothing"), 0)
    for item in evidence:
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
    room = int(share * len(others) / (1 - share)) if share < 1 else len(capped)
    dropped = [
        Dropped("prefer", "pair", p.row_id, p.problem_id, f"too many pairs of the kind: {reason}")
        for p in capped[room:]
    ]
    return [*others, *capped[:room]], dropped


@step("prefer")
def prefer(
    turn: Turn,
    problems: Ref,
    solutions: Ref,
    suites: Ref,
    behaviours: Ref,
    mutant_behaviours: Ref,
    decisions: Ref,
    sampling: SamplingSettings,
    settings: PreferenceSettings,
    label: str = "",
) -> StageResult:
    """SFT rows and preference pairs of both roles from the kept problems."""

    size = sampling.cases_per_suite

    def compute(stage: Stage) -> None:
        workspace = turn.workspace
        evidence = gather(
            workspace.read(problems, Problem),
            workspace.read(solutions, Solution),
            workspace.read(suites, Suite),
            workspace.read(behaviours, Behaviour),
            workspace.read(mutant_behaviours, Behaviour),
            workspace.read(decisions, Decision),
            sampling.layout,
        )
        rows: list[SftRow] = []
        pairs: list[Pair] = []
        dropped: list[Dropped] = []
        for item in evidence:
            rng = random.Random(f"{turn.seed}/{item.problem.problem_id}")
            tests = verifier_sft(item, size, settings, rng)
            if not tests:
                dropped.append(
                    Dropped("prefer", "problem", item.problem.problem_id, item.problem.problem_id,
                            "no suite holds and rejects a loser or a mutant")
                )  # fmt: skip
            rows += [*solver_sft(item, settings, rng), *tests]
            pairs += solver_pairs(item, settings, rng)
            pairs += verifier_pairs(item, size, settings, rng)
        for reason, share in (
            ("crashes", settings.max_crash_share),
            (IDLE, settings.max_idle_share),
        ):
            role = "solver" if reason == "crashes" else "verifier"
            same = [pair for pair in pairs if pair.role == role]
            kept, over = cap_share(same, reason, share)
            pairs = [*(pair for pair in pairs if pair.role != role), *kept]
            dropped += over
        stage.write("sft", SftRow, rows)
        stage.write("pairs", Pair, pairs)
        stage.write("dropped", Dropped, dropped)
        stage.facts.update(
            sft=dict(Counter(row.role for row in rows)),
            pairs=dict(Counter(pair.role for pair in pairs)),
            assembled=sum(row.assembled for row in rows),
            mutants_told_apart=sum(target not in e.solutions for e in evidence for target in e.targets),
            kills=kill_counts(evidence),
            pair_reasons=dict(Counter(f"{pair.role}: {pair.reason}" for pair in pairs)),
            dropped=dict(Counter(row.reason for row in dropped)),
        )

    inputs = {
        "problems": problems,
        "solutions": solutions,
        "suites": suites,
        "behaviours": behaviours,
        "mutant_behaviours": mutant_behaviours,
        "decisions": decisions,
    }
    plain = {
        **settings.model_dump(),
        "cases_per_suite": size,
        "layout": sampling.layout,
        "prompts": prompts.VERSION,
        "seed": turn.seed,
    }
    return run_stage(turn, "prefer", FILTER_VERSION, inputs, plain, compute, label)
