"""What a filter rule is: a function from one problem's votes to a decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.core.rows import Decision
from tasks.filtering.votes import Group, ProblemVotes
from tasks.settings.agreement import AgreementSettings

# The margin of a winner that nothing stands against.
UNOPPOSED = 1e9


@dataclass(frozen=True)
class FilterRule:
    """A rule under the name that `agreement.rule` has, listed in `tasks.filtering.decide` or registered by an
    entry point of the group `flywheel.filter_rules`.

    `decide` gets the votes on one problem, which hold a solution and a case at least, their groups with the
    best one first (`ranked_groups`), and the thresholds. It is pure: the same arguments, the same decision.
    `version` is part of what a decision is cached by: raise it when the rule decides otherwise than before.
    """

    name: str
    version: int
    decide: Callable[[ProblemVotes, Sequence[Group], AgreementSettings], Decision]
