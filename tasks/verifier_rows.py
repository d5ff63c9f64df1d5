"""The verifier's rows of one kept problem: suites that hold on the winners and reject something, and such
suites over ones that contradict the winners or reject nothing."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

from tasks import prompts
from tasks.evidence import Evidence
from tasks.filter_settings import PreferenceSettings
from tasks.records import Case, Pair, SftRow, Suite, record_id
from tasks.solver_rows import shorter_by
from tasks.suites import case_key, case_source

IDLE = "rejects nothing"


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
