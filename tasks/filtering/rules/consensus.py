"""Consensus (ours): samples of one behaviour vote for each other, and the winner is clear of every threshold.

A problem's samples are grouped by what they did on the union of all its suites' calls; identical samples are
votes. A group scores (votes - 1) x log(1 + distinct values it returns): every further vote is evidence, and
the more the less likely it is to agree by accident, as wrong programs do on constants. The cases that the
winner satisfies do not choose it: a weak verifier's cases are wrong more often than right, and wrong code
satisfies them (benchmarks/agreement_study.md). Once the champion is no longer the base model, some of the
samples are the base's (the reference model's) and the winner needs votes of theirs: training on its own
votes taught the champion to vote alike, right or wrong (benchmarks/reference_study.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.rows import Decision
from tasks.execution.verdicts import OPAQUE_KEY, wanted_key
from tasks.filtering.rules.base import UNOPPOSED, FilterRule
from tasks.filtering.votes import PASSED, Group, ProblemVotes
from tasks.settings.agreement import AgreementSettings

CHECKS_ALONE = "no test is a plain call: there are no values to vote with"
NO_DATA = "what the solutions return is no plain data"
REFERENCE_DIFFERS = "the base model does otherwise"
SILENT = "the base model wrote nothing that ran"


def decide_by_consensus(
    problem_votes: ProblemVotes, groups: Sequence[Group], settings: AgreementSettings
) -> Decision:
    """The first group wins if it is clear of every threshold."""
    winner = groups[0]
    runner_up = groups[1].score if len(groups) > 1 else 0.0
    margin = winner.score / runner_up if runner_up else UNOPPOSED if winner.score else 1.0
    votes, agreed = winner.votes, [problem_votes.cases[index] for index in winner.satisfied]
    expected = {case.check or wanted_key(case) for case in agreed}
    enough_votes = max(settings.min_votes, settings.min_vote_share * len(problem_votes.vectors))
    enough_score = settings.min_score_share * (len(problem_votes.vectors) - 1)
    reference_votes = (problem_votes.reference_solutions or frozenset()) & problem_votes.vectors.keys()
    reference_agreeing = len(reference_votes.intersection(winner.members))
    enough_reference = (
        0
        if problem_votes.reference_solutions is None
        else max(1, settings.min_reference_share * len(reference_votes))
    )
    reasons = (
        (all(case.call is None for case in problem_votes.cases), CHECKS_ALONE),
        (not winner.outputs and OPAQUE_KEY in "\n".join(winner.vector), NO_DATA),
        (not winner.outputs and PASSED not in winner.vector, "every solution fails on every call"),
        (len(groups) < settings.min_behaviours, "all solutions behave alike: nothing to learn"),
        (votes < enough_votes, "too few votes"),
        (
            reference_agreeing < enough_reference,
            REFERENCE_DIFFERS if reference_votes else SILENT,
        ),
        (len(agreed) < settings.min_cases, "too few agreed cases"),
        (winner.outputs < settings.min_outputs, "the winners return one value only"),
        (winner.score < enough_score, "too low a score"),
        (len(expected) < settings.min_expected_values, "agreed cases expect one value only"),
        (margin < settings.min_margin, "no margin over the runner-up"),
    )
    reason = next((text for failed, text in reasons if failed), "")
    return Decision(
        problem_votes.problem_id,
        kept=not reason,
        reason=reason,
        samples=len(problem_votes.vectors) + len(problem_votes.set_aside),
        votes=votes,
        behaviours=len(groups),
        score=winner.score,
        margin=margin,
        confident=not reason and votes >= settings.pair_votes and margin >= settings.pair_margin,
        chosen=winner.members,
        rejected=tuple(solution_id for group in groups[1:] for solution_id in group.members),
        cases=tuple(agreed),
        reference_agreeing=reference_agreeing,
    )


RULE = FilterRule("consensus", 1, decide_by_consensus)
