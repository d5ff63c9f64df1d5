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
from tasks.datasets.kept_problem import KeptProblem
from tasks.datasets.solver_rows import shorter_by
from tasks.generation import prompts
from tasks.settings.preferences import PreferenceSettings
from tasks.testcode.suites import case_as_written, case_key

NON_KILLING = "rejects nothing"


def good_suites(kept_problem: KeptProblem) -> list[Suite]:
    """Sampled suites whose every case the winning group satisfies and that reject a loser or a mutant."""
    winner = kept_problem.decision.chosen[0]
    return [
        suite
        for suite in kept_problem.suites
        if len(suite.cases) >= 2
        and all(case.call or case.check not in kept_problem.invalid for case in suite.cases)
        and all(kept_problem.passes(winner, case) for case in suite.cases)
        and kept_problem.kills(suite.cases)
    ]


def recombined_suite(kept_problem: KeptProblem, size: int, rng: random.Random) -> Suite | None:
    """A suite of kept cases that rejects a loser or a mutant: distinct expected values first, then any."""
    cases = rng.sample(list(kept_problem.decision.cases), len(kept_problem.decision.cases))
    fresh = {case.expected or case.raises or case.check: case for case in cases}
    first = {case_key(case) for case in fresh.values()}
    ordered = [*fresh.values(), *(case for case in cases if case_key(case) not in first)]
    picked = tuple(ordered[:size])
    if len(picked) < 2 or not kept_problem.kills(picked):
        return None
    # The word is part of the ids of stored suites.
    suite_id = record_id("assembled", kept_problem.problem.problem_id, *(case.source for case in picked))
    return Suite(suite_id, kept_problem.problem.problem_id, picked)


def suite_text(kept_problem: KeptProblem, cases: Sequence[Case], size: int) -> str | prompts.Refusal:
    """The completion of the sampled prompt, which asked for `size` cases, that these cases are."""
    written = [case_as_written(case, kept_problem.problem.entry_point) for case in cases]
    return prompts.verifier_completion(_prompt(kept_problem, size), written)


def _prompt(kept_problem: KeptProblem, size: int) -> prompts.Prompt:
    return prompts.verifier_prompt(kept_problem.problem, size, kept_problem.layout)


def _sampled(kept_problem: KeptProblem, size: int, rng: random.Random) -> list[Suite]:
    """The distinct good suites that continue the prompt, by what they kill, then by their number of cases."""
    fitting = [
        s for s in good_suites(kept_problem) if isinstance(suite_text(kept_problem, s.cases, size), str)
    ]
    distinct = {tuple(map(case_key, s.cases)): s for s in rng.sample(fitting, len(fitting))}
    return sorted(
        distinct.values(), key=lambda suite: (-len(kept_problem.kills(suite.cases)), -len(suite.cases))
    )


def _recombined(kept_problem: KeptProblem, size: int, count: int, rng: random.Random) -> list[Suite]:
    """Up to `count` different ones."""
    made: dict[str, Suite] = {}
    while len(made) < count:
        suite = recombined_suite(kept_problem, size, rng)
        if suite is None or suite.suite_id in made:
            break
        made[suite.suite_id] = suite
    return [*made.values()]


def verifier_sft(
    kept_problem: KeptProblem, size: int, settings: PreferenceSettings, rng: random.Random
) -> list[SftRow]:
    """Suites that hold on the winning group and reject a loser or a mutant; the first such is a source.

    Those with as many cases as the prompt asks for come first, sampled before recombined ones: two cases
    where five are asked for teach to write two.
    """
    count = settings.sft_per_problem
    sampled = _sampled(kept_problem, size, rng)
    full = [suite for suite in sampled if len(suite.cases) >= size]
    short = [suite for suite in sampled if len(suite.cases) < size]
    made = _recombined(kept_problem, size, count - len(full), rng) if settings.recombine else []
    enough = len(kept_problem.decision.cases) >= size
    return [
        SftRow(
            row_id=record_id("sft", suite.suite_id),
            role="verifier",
            problem_id=kept_problem.problem.problem_id,
            prompt=_prompt(kept_problem, size).full,
            completion=completion,
            sources=(
                *(suite.suite_id, suite.sample_id),
                *kept_problem.decision.chosen[:1],
                *kept_problem.kills(suite.cases)[:1],
            ),
            recombined=not suite.sample_id,
            score=kept_problem.decision.score,
        )
        for suite in [*full, *(made + short if enough else short + made)][:count]
        if isinstance(completion := suite_text(kept_problem, suite.cases, size), str)
    ]


def verifier_pairs(
    kept_problem: KeptProblem, size: int, settings: PreferenceSettings, rng: random.Random
) -> list[Pair]:
    """A good suite over one that contradicts the winning group (or rejects nothing): same number of cases.

    Good suites take turns, bad ones serve once: first those that leave most cases of the `size` that the
    prompt asks for, then those that are no longer than the good one, then those near in length
    (`shorter_by`). A pair's sources are both suites, a winner, and the loser or mutant that
    the good suite rejects.
    """
    if not kept_problem.decision.confident:
        return []
    winner = kept_problem.decision.chosen[0]
    most = settings.pairs_per_problem
    good = _sampled(kept_problem, size, rng)[:most]
    good += _recombined(kept_problem, size, most - len(good), rng) if settings.recombine else []
    waiting = deque(good)
    rejects = rng.sample(kept_problem.suites, len(kept_problem.suites))
    pairs: list[Pair] = []
    while waiting and len(pairs) < most:
        suite = waiting.popleft()
        made = [
            ((pair.reason == NON_KILLING, -count, *shorter_by(pair.chosen, pair.rejected)), pair)
            for bad in rejects
            for pair, count in _against(kept_problem, suite, bad, winner, size)
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
    kept_problem: KeptProblem, suite: Suite, bad: Suite, winner: str, size: int
) -> Iterator[tuple[Pair, int]]:
    """A good suite over a bad one, both cut to equally many cases, and how many; nothing where that is no
    pair."""
    wrong = [case for case in bad.cases if not kept_problem.passes(winner, case)]
    if not wrong and kept_problem.kills(bad.cases):
        return
    # What is wrong with it must survive the cut.
    ordered = [*wrong, *(case for case in bad.cases if case not in wrong)]
    count = min(len(suite.cases), len(ordered))
    good_cases, bad_cases = suite.cases[:count], sorted(ordered[:count], key=bad.cases.index)
    killed = kept_problem.kills(good_cases)
    if count < 2 or not killed:
        return
    good_text, bad_text = (
        suite_text(kept_problem, good_cases, size),
        suite_text(kept_problem, bad_cases, size),
    )
    if isinstance(good_text, prompts.Refusal) or isinstance(bad_text, prompts.Refusal):
        return
    pair = Pair(
        row_id=record_id("pair", suite.suite_id, bad.suite_id),
        role="verifier",
        problem_id=kept_problem.problem.problem_id,
        prompt=_prompt(kept_problem, size).full,
        chosen=good_text,
        rejected=bad_text,
        reason="contradicts the consensus" if wrong else NON_KILLING,
        sources=(suite.suite_id, bad.suite_id, winner, killed[0]),
        recombined=not suite.sample_id,
        score=kept_problem.decision.score,
    )
    yield pair, count
