"""The paper's rule (Sol-Ver, arXiv 2502.14948, section 3): chosen passes all tests, rejected fails any."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.rows import Decision
from tasks.execution.verdicts import key_passes
from tasks.filtering.rules.base import UNOPPOSED, FilterRule
from tasks.filtering.votes import Group, ProblemVotes
from tasks.settings.agreement import AgreementSettings


def decide_by_paper(
    problem_votes: ProblemVotes, groups: Sequence[Group], settings: AgreementSettings
) -> Decision:
    """The paper's rule: chosen passes every case of every suite of the problem."""

    def passes_all(group: Group) -> bool:
        asked = zip(problem_votes.places, problem_votes.wanted, strict=True)
        return all(key_passes(group.vector[place], wanted) for place, wanted in asked)

    chosen = [i for group in groups if passes_all(group) for i in group.members]
    rejected = [i for group in groups if not passes_all(group) for i in group.members]
    return Decision(
        problem_votes.problem_id,
        kept=bool(chosen),
        reason="" if chosen else "no solution passes all tests",
        samples=len(problem_votes.vectors) + len(problem_votes.set_aside),
        votes=len(chosen),
        behaviours=len(groups),
        score=float(len(problem_votes.cases)) if chosen else 0.0,
        margin=UNOPPOSED if chosen else 0.0,
        confident=bool(chosen),
        chosen=tuple(chosen),
        rejected=tuple(rejected),
        cases=problem_votes.cases if chosen else (),
    )


RULE = FilterRule("paper", 1, decide_by_paper)
