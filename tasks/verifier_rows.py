"""The verifier's rows of one kept problem: suites that hold on the winners and reject something, and such
suites over ones that contradict the winners or reject nothing.

Every row has the prompt that its suites were sampled with, also where fewer cases were kept than it asks for,
and every assertion stands in the words of the model.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence

from tasks import prompts
from tasks.evidence import Evidence
from tasks.filter_settings import PreferenceSettings
from tasks.records import Case, Pair, SftRow, Suite, record_id
from tasks.solver_rows import shorter_by
from tasks.suites import case_as_written, case_key

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


def suite_text(evidence: Evidence, cases: Sequence[Case], size: int) -> str | prompts.Refusal:
    """The completion of the sampled prompt, which asked for `size` cases, that these cases are."""
    written = [case_as_written(case, evidence.problem.entry_point) for case in cases]
    return prompts.verifier_completion(_prompt(evidence, size), written)


def _prompt(evidence: Evidence, size: int) -> prompts.Prompt:
    return prompts.verifier_prompt(evidence.problem, size, evidence.layout)


def _chosen_suites(
    evidence: Evidence, size: int, count: int, settings: PreferenceSettings, rng: random.Random
) -> list[tuple[Suite, bool]]:
    """Up to `count` good suites and whether each was assembled; sampled ones first, by what they kill, then
    those with most of the cases that were asked for."""
    sampled = [s for s in good_suites(evidence) if isinstance(suite_text(evidence, s.cases, size), str)]
    distinct = {tuple(map(case_key, s.cases)): s for s in rng.sample(sampled, len(sampled))}
    strongest = sorted(
        distinct.values(), key=lambda suite: (-len(evidence.kills(suite.cases)), -len(suite.cases))
    )
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
            prompt=_prompt(evidence, size).full,
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
        if isinstance(completion := suite_text(evidence, suite.cases, size), str)
    ]


def verifier_pairs(
    evidence: Evidence, size: int, settings: PreferenceSettings, rng: random.Random
) -> list[Pair]:
    """A good suite over one that contradicts the winning group (or rejects nothing): same number of cases.

    Good suites take turns, bad ones serve once: first those that leave most cases of the `size` that the
    prompt asks for, then those that are no longer than the good one, then those near in length
    (`shorter_by`). A pair's sources are both suites, a winner, and the loser or mutant that
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
        made = [
            ((pair.reason == IDLE, -count, *shorter_by(pair.chosen, pair.rejected)), pair)
            for bad in rejects
            for pair, count in _against(evidence, suite, assembled, bad, winner, size)
        ]
        if not made:
            # Rejects only get fewer: it will find none later.
            continue
        best = min(made, key=lambda one: one[0])[1]
        pairs.append(best)
        rejects = [bad for bad in rejects if bad.suite_id != best.sources[1]]
        waiting.append((suite, assembled))
    return pairs


def _against(
    evidence: Evidence, suite: Suite, assembled: bool, bad: Suite, winner: str, size: int
) -> Iterator[tuple[Pair, int]]:
    """A good suite over a bad one, both cut to equally many cases, and how many; nothing where that is no
    pair."""
    wrong = [case for case in bad.cases if not evidence.passes(winner, case)]
    if not wrong and evidence.kills(bad.cases):
        return
    # What is wrong with it must survive the cut.
    ordered = [*wrong, *(case for case in bad.cases if case not in wrong)]
    count = min(len(suite.cases), len(ordered))
    good_cases, bad_cases = suite.cases[:count], sorted(ordered[:count], key=bad.cases.index)
    killed = evidence.kills(good_cases)
    if count < 2 or not killed:
        return
    good_text, bad_text = suite_text(evidence, good_cases, size), suite_text(evidence, bad_cases, size)
    if isinstance(good_text, prompts.Refusal) or isinstance(bad_text, prompts.Refusal):
        return
    pair = Pair(
        row_id=record_id("pair", suite.suite_id, bad.suite_id),
        role="verifier",
        problem_id=evidence.problem.problem_id,
        prompt=_prompt(evidence, size).full,
        chosen=good_text,
        rejected=bad_text,
        reason="contradicts the consensus" if wrong else IDLE,
        sources=(suite.suite_id, bad.suite_id, winner, killed[0]),
        assembled=assembled,
        score=evidence.decision.score,
    )
    yield pair, count
