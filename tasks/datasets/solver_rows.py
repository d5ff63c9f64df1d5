"""The solver's rows of one kept problem: winners to imitate, and winners over losers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import product

from tasks.core.records import Solution, record_id
from tasks.core.rows import Pair, SftRow
from tasks.datasets.kept_problem import KeptProblem
from tasks.datasets.taught import Taught, as_sampled
from tasks.generation import prompts
from tasks.settings.preferences import PreferenceSettings

CRASHES = "crashes"


def solver_taught(kept_problem: KeptProblem, solution_id: str) -> Taught | prompts.Refusal:
    """The completion of the sampled prompt that a program is: the answer that it was read from, or in the
    demo's format the program written anew; refused where no row can be made of it."""
    solution, asked = kept_problem.solutions[solution_id], kept_problem.asked("solver")
    if kept_problem.is_verbatim:
        return as_sampled(
            kept_problem.samples[solution.sample_id], solution.code.strip(), kept_problem.sampling
        )
    text = prompts.solver_completion(asked.prompt, solution.code)
    return text if isinstance(text, prompts.Refusal) else Taught(text, prompts.fenced(asked.text, text))


def _fitting(kept_problem: KeptProblem, ids: Sequence[str]) -> list[str]:
    return [one for one in ids if isinstance(solver_taught(kept_problem, one), Taught)]


def _draw_distinct(
    kept_problem: KeptProblem, ids: Sequence[str], count: int, rng: random.Random
) -> list[Solution]:
    """Up to `count` distinct programs that continue the prompt, drawn (not the shortest: training would learn
    brevity)."""
    fitting = _fitting(kept_problem, ids)
    order = rng.sample(fitting, len(fitting))
    distinct = {kept_problem.solutions[solution_id].code.strip(): solution_id for solution_id in order}
    return [kept_problem.solutions[solution_id] for solution_id in list(distinct.values())[:count]]


def solver_sft(kept_problem: KeptProblem, settings: PreferenceSettings, rng: random.Random) -> list[SftRow]:
    """Solutions of the winning group."""
    asked = kept_problem.asked("solver")
    drawn = _draw_distinct(kept_problem, kept_problem.decision.chosen, settings.sft_per_problem, rng)
    return [
        SftRow(
            row_id=record_id("sft", solution.solution_id),
            role="solver",
            problem_id=kept_problem.problem.problem_id,
            prompt=asked.text,
            completion=taught.text,
            sources=(solution.solution_id, solution.sample_id),
            score=kept_problem.decision.score,
            messages=asked.messages,
            prefill=asked.prefill,
            prompt_digest=asked.digest,
            completion_ids=taught.ids,
            lesson=taught.lesson,
        )
        for solution in drawn
        if isinstance(taught := solver_taught(kept_problem, solution.solution_id), Taught)
    ]


def shorter_by(chosen: str, rejected: str) -> tuple[bool, int]:
    """Whether the chosen text is the shorter one, and how many characters they differ by: less is better.

    DPO learns whatever tells the sides apart, and winners are mostly shorter than what they beat.
    """
    return len(chosen) < len(rejected), abs(len(chosen) - len(rejected))


def solver_pairs(kept_problem: KeptProblem, settings: PreferenceSettings, rng: random.Random) -> list[Pair]:
    """Winners over losers that fail agreed cases. No loser serves twice.

    Losers that ran come first; then pairs whose chosen side is not the shorter one, however far apart; then
    winners that have served least; then pairs near in length.
    """
    if not kept_problem.decision.confident:
        return []
    losers = [
        kept_problem.solutions[solution_id]
        for solution_id in _fitting(kept_problem, kept_problem.decision.rejected)
        if not all(kept_problem.passes(solution_id, case) for case in kept_problem.decision.cases)
    ]
    losers = list({solution.code.strip(): solution for solution in losers}.values())
    winners = _draw_distinct(
        kept_problem, kept_problem.decision.chosen, len(kept_problem.decision.chosen), rng
    )
    crashes = {loser.solution_id: not kept_problem.runs(loser.solution_id) for loser in losers}
    used: Counter[str] = Counter()
    asked = kept_problem.asked("solver")
    pairs = []
    for _ in range(min(settings.pairs_per_problem, len(losers)) if winners else 0):
        ranked = []
        for chosen, rejected in product(winners, losers):
            shorter, gap = shorter_by(_compared(kept_problem, chosen), _compared(kept_problem, rejected))
            rank = crashes[rejected.solution_id], shorter, used[chosen.solution_id], gap
            ranked.append((rank, chosen, rejected))
        _, chosen, rejected = min(ranked, key=lambda item: item[0])
        losers.remove(rejected)
        used[chosen.solution_id] += 1
        good = solver_taught(kept_problem, chosen.solution_id)
        bad = solver_taught(kept_problem, rejected.solution_id)
        if isinstance(good, prompts.Refusal) or isinstance(bad, prompts.Refusal):
            continue
        pairs.append(
            Pair(
                row_id=record_id("pair", chosen.solution_id, rejected.solution_id),
                role="solver",
                problem_id=kept_problem.problem.problem_id,
                prompt=asked.text,
                chosen=good.text,
                rejected=bad.text,
                reason=CRASHES if crashes[rejected.solution_id] else "fails agreed cases",
                sources=(chosen.solution_id, rejected.solution_id),
                score=kept_problem.decision.score,
                messages=asked.messages,
                prefill=asked.prefill,
                prompt_digest=asked.digest,
                chosen_ids=good.ids,
                rejected_ids=bad.ids,
                lesson=good.lesson,
                rejected_lesson=bad.lesson,
            )
        )
    return pairs


def _compared(kept_problem: KeptProblem, solution: Solution) -> str:
    """The text whose length counts in a pair: all that is trained on, in the demo's format the program."""
    return kept_problem.samples[solution.sample_id].completion if kept_problem.is_verbatim else solution.code
