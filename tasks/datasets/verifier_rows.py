"""The verifier's rows of one kept problem: suites that hold on the winners and reject something, and such
suites over ones that contradict the winners or reject nothing.

Every row has the prompt that its suites were sampled with, also where fewer cases were kept than it asks for,
and every assertion stands in the words of the model.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence

from tasks.core.records import Case, Pair, SftRow, Suite, record_id
from tasks.datasets.kept_problem import Evidence
from tasks.datasets.solver_rows import shorter_by
from tasks.generation import prompts
from tasks.settings.preferences import PreferenceSettings
from tasks.testcode.suites import case_as_written, case_key

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


def _sampled(evidence: Evidence, size: int, rng: random.Random) -> list[Suite]:
    """The distinct good suites that continue the prompt, by what they kill, then by their number of cases."""
    fitting = [s for s in good_suites(evidence) if isinstance(suite_text(evidence, s.cases, size), str)]
    distinct = {tuple(map(case_key, s.cases)): s for s in rng.sample(fitting, len(fitting))}
    return sorted(distinct.values(), key=lambda suite: (-len(evidence.kills(suite.cases)), -len(suite.cases)))


def _assembled(evidence: Evidence, size: int, count: int, rng: random.Random) -> list[Suite]:
    """Up to `count` different ones."""
    made: dict[str, Suite] = {}
    while len(made) < count:
        suite = assembled_suite(evidence, size, rng)
        if suite is None or suite.suite_id in made:
            break
        made[suite.suite_id] = suite
    return [*made.values()]


def verifier_sft(
    evidence: Evidence, size: int, settings: PreferenceSettings, rng: random.Random
) -> list[SftRow]:
    """Suites that hold on the winning group and reject a loser or a mutant; the first such is a source.

    Those with as many cases as the prompt asks for come first, sampled before assembled ones: two cases where
    five are asked for teach to write two.
    """
    count = settings.sft_per_problem
    sampled = _sampled(evidence, size, rng)
    full = [suite for suite in sampled if len(suite.cases) >= size]
    short = [suite for suite in sampled if len(suite.cases) < size]
    made = _assembled(evidence, size, count - len(full), rng) if settings.assemble else []
    enough = len(evidence.decision.cases) >= size
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
            assembled=not suite.sample_id,
            score=evidence.decision.score,
        )
        for suite in [*full, *(made + short if enough else short + made)][:count]
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
    most = settings.pairs_per_problem
    good = _sampled(evidence, size, rng)[:most]
    good += _assembled(evidence, size, most - len(good), rng) if settings.assemble else []
    waiting = deque(good)
    rejects = rng.sample(evidence.suites, len(evidence.suites))
    pairs: list[Pair] = []
    while waiting and len(pairs) < most:
        suite = waiting.popleft()
        made = [
            ((pair.reason == IDLE, -count, *shorter_by(pair.chosen, pair.rejected)), pair)
            for bad in rejects
            for pair, count in _against(evidence, suite, bad, winner, size)
        ]
        if not made:
            # Rejects only get fewer: it will find none later.
            continue
        best = min(made, key=lambda one: one[0])[1]
        pairs.append(best)
        rejects = [bad for bad in rejects if bad.suite_id != best.sources[1]]
        waiting.append(suite)
    return pairs


def _against(
    evidence: Evidence, suite: Suite, bad: Suite, winner: str, size: int
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
        assembled=not suite.sample_id,
        score=evidence.decision.score,
    )
    yield pair, count
