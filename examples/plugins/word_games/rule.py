"""A filter rule of your own: what more than half of the solutions do is believed."""

from collections.abc import Sequence

from tasks.core.rows import Decision
from tasks.filtering.rules.base import UNOPPOSED, FilterRule
from tasks.filtering.votes import Group, ProblemVotes
from tasks.settings.agreement import AgreementSettings


def decide(votes: ProblemVotes, groups: Sequence[Group], settings: AgreementSettings) -> Decision:
    """The largest group wins with more than half of the votes, if it returns values and satisfies cases."""
    winner = max(groups, key=lambda group: (group.votes, group.vector))
    others = max((group.votes for group in groups if group is not winner), default=0)
    cases = tuple(votes.cases[index] for index in winner.satisfied)
    reason = ""
    if 2 * winner.votes <= len(votes.vectors):
        reason = "no majority"
    elif not winner.outputs:
        reason = "the majority returns no value"
    elif len(cases) < settings.min_cases:
        reason = "too few agreed cases"
    return Decision(
        votes.problem_id,
        kept=not reason,
        reason=reason,
        samples=len(votes.vectors) + len(votes.set_aside),
        votes=winner.votes,
        behaviours=len(groups),
        score=winner.votes / len(votes.vectors),
        margin=winner.votes / others if others else UNOPPOSED,
        confident=not reason,
        chosen=winner.members,
        rejected=tuple(one for group in groups if group is not winner for one in group.members),
        cases=cases,
    )


RULE = FilterRule("majority", 1, decide)
