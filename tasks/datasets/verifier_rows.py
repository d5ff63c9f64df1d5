"""The verifier's rows of one kept problem: suites that hold on the winners and reject something, and such
suites over ones that contradict the winners or reject nothing.

Every row has the prompt that its suites were sampled with, also where fewer cases were kept than it asks for,
and every assertion stands in the words of the model.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Iterator, Sequence

from tasks.core.records import Case, Suite, record_id
from tasks.core.rows import Pair, SftRow
from tasks.datasets.kept_problem import KeptProblem
from tasks.datasets.solver_rows import shorter_by
from tasks.datasets.taught import Taught, as_sampled
from tasks.generation import prompts
from tasks.generation.answers import bare_tests
from tasks.generation.thinking import without_thought
from tasks.settings.preferences import PreferenceSettings
from tasks.testcode.split import split_tests
from tasks.testcode.suites import case_as_written, case_key, read_cases, target_name

NON_KILLING = "rejects nothing"
_AN_ASSERT = re.compile(r"^[ \t]*assert\b", re.MULTILINE)


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


def suite_taught(
    kept_problem: KeptProblem, suite: Suite, cases: Sequence[Case] | None = None
) -> Taught | prompts.Refusal:
    """The completion of the sampled prompt that a suite is: the answer that it was read from, or, of a suite
    that was put together and in the demo's format, its cases (or these of them) written anew."""
    if kept_problem.is_verbatim and suite.sample_id:
        return _as_sampled(kept_problem, suite)
    asked = kept_problem.asked("verifier")
    entry_point = kept_problem.problem.entry_point
    written = [case_as_written(case, entry_point) for case in (suite.cases if cases is None else cases)]
    text = prompts.verifier_completion(asked.prompt, written)
    return text if isinstance(text, prompts.Refusal) else Taught(text, prompts.fenced(asked.text, text))


def _as_sampled(kept_problem: KeptProblem, suite: Suite) -> Taught | prompts.Refusal:
    """The answer that a suite was read from, if all tests in it were judged: what was not may be wrong.

    Reasons: those of `as_sampled`, `unjudged_tests` (more than was asked for, or none that can be read).
    """
    sample, entry_point = kept_problem.samples[suite.sample_id], kept_problem.problem.entry_point
    answer = without_thought(sample, kept_problem.sampling)
    found = bare_tests(sample.prefill + answer, entry_point) if isinstance(answer, str) else answer
    if isinstance(found, prompts.Refusal):
        return found
    file, skipped = found
    reading = read_cases(split_tests(file, target_name(entry_point)), entry_point)
    unread = [text for text in skipped if _AN_ASSERT.search(text)]
    if unread or reading.dropped or len(reading.cases) != len(suite.cases):
        others = unread or [source for _, source in reading.dropped]
        return prompts.Refusal("unjudged_tests", "\n".join(others)[:200])
    lesson = "\n".join(case_as_written(case, entry_point) for case in suite.cases)
    return as_sampled(sample, lesson, kept_problem.sampling)


def _sampled(kept_problem: KeptProblem, rng: random.Random) -> list[Suite]:
    """The distinct good suites that continue the prompt, by what they kill, then by their number of cases."""
    fitting = [s for s in good_suites(kept_problem) if isinstance(suite_taught(kept_problem, s), Taught)]
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
    sampled = _sampled(kept_problem, rng)
    asked = kept_problem.asked("verifier")
    full = [suite for suite in sampled if len(suite.cases) >= size]
    short = [suite for suite in sampled if len(suite.cases) < size]
    made = _recombined(kept_problem, size, count - len(full), rng) if settings.recombine else []
    enough = len(kept_problem.decision.cases) >= size
    return [
        SftRow(
            row_id=record_id("sft", suite.suite_id),
            role="verifier",
            problem_id=kept_problem.problem.problem_id,
            prompt=asked.text,
            completion=taught.text,
            sources=(
                *(suite.suite_id, suite.sample_id),
                *kept_problem.decision.chosen[:1],
                *kept_problem.kills(suite.cases)[:1],
            ),
            recombined=not suite.sample_id,
            score=kept_problem.decision.score,
            messages=asked.messages,
            prefill=asked.prefill,
            prompt_digest=asked.digest,
            completion_ids=taught.ids,
            lesson=taught.lesson,
        )
        for suite in [*full, *(made + short if enough else short + made)][:count]
        if isinstance(taught := suite_taught(kept_problem, suite), Taught)
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
    good = _sampled(kept_problem, rng)[:most]
    good += _recombined(kept_problem, size, most - len(good), rng) if settings.recombine else []
    waiting = deque(good)
    rejects = rng.sample(kept_problem.suites, len(kept_problem.suites))
    pairs: list[Pair] = []
    while waiting and len(pairs) < most:
        suite = waiting.popleft()
        made = [
            ((pair.reason == NON_KILLING, -count, *shorter_by(pair.chosen, pair.rejected)), pair)
            for bad in rejects
            for pair, count in _against(kept_problem, suite, bad, winner)
        ]
        if not made:
            # Rejects only get fewer: it will find none later.
            continue
        best = min(made, key=lambda one: one[0])[1]
        pairs.append(best)
        rejects = [bad for bad in rejects if bad.suite_id != best.sources[1]]
        waiting.append(suite)
    return pairs


def _against(kept_problem: KeptProblem, suite: Suite, bad: Suite, winner: str) -> Iterator[tuple[Pair, int]]:
    """A good suite over a bad one, both cut to equally many cases, and how many; nothing where that is no
    pair. Suites that are trained on as they came are not cut: of those the bad one sets the number."""
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
    if kept_problem.is_verbatim and (
        count < len(bad.cases) or (count < len(suite.cases) and suite.sample_id)
    ):
        return
    good, rejected = suite_taught(kept_problem, suite, good_cases), suite_taught(kept_problem, bad, bad_cases)
    if isinstance(good, prompts.Refusal) or isinstance(rejected, prompts.Refusal):
        return
    asked = kept_problem.asked("verifier")
    pair = Pair(
        row_id=record_id("pair", suite.suite_id, bad.suite_id),
        role="verifier",
        problem_id=kept_problem.problem.problem_id,
        prompt=asked.text,
        chosen=good.text,
        rejected=rejected.text,
        reason="contradicts the consensus" if wrong else NON_KILLING,
        sources=(suite.suite_id, bad.suite_id, winner, killed[0]),
        recombined=not suite.sample_id,
        score=kept_problem.decision.score,
        messages=asked.messages,
        prefill=asked.prefill,
        prompt_digest=asked.digest,
        chosen_ids=good.ids,
        rejected_ids=rejected.ids,
        lesson=good.lesson,
        rejected_lesson=rejected.lesson,
    )
    yield pair, count
