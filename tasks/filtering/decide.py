"""Which of a problem's samples to believe: the configured rule over its votes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from tasks.core.plugins import chosen, installed
from tasks.core.records import CONDITION, TRUTH, Call
from tasks.core.rows import Decision
from tasks.execution.problem_data import ProblemData
from tasks.execution.verdicts import wanted_key
from tasks.filtering.rules import consensus, paper
from tasks.filtering.rules.base import FilterRule
from tasks.filtering.votes import ProblemVotes, ranked_groups, votes_by_problem
from tasks.settings.agreement import AgreementSettings

# Of agreement and of the rows made from it: raised when other code makes other ones of the same samples, so
# that the samples of earlier iterations are judged again.
FILTER_VERSION = 16
GROUP = "flywheel.filter_rules"
BUILT_IN = (consensus.RULE, paper.RULE)


@cache
def rules() -> Mapping[str, FilterRule]:
    """All rules by name. Raises `FlywheelError` when a package's rule is none, or is called like another."""
    return {rule.name: rule for rule in installed(GROUP, FilterRule, BUILT_IN)}


def rule_of(settings: AgreementSettings) -> FilterRule:
    """Raises `FlywheelError` when no rule has the name that is configured."""
    return chosen(rules(), settings.rule, "agreement.rule", "rule")


def decide(problem_votes: ProblemVotes, settings: AgreementSettings) -> Decision:
    """The configured rule's decision on one problem."""
    if not problem_votes.vectors or not problem_votes.cases:
        reason = "no solution that can be judged" if problem_votes.cases else "no case that tests anything"
        samples = len(problem_votes.vectors) + len(problem_votes.set_aside)
        return Decision(
            problem_votes.problem_id, kept=False, reason=reason, samples=samples,
            votes=0, behaviours=0, score=0.0, margin=0.0,
        )  # fmt: skip
    return rule_of(settings).decide(problem_votes, ranked_groups(problem_votes), settings)


def decide_all(
    problems: Iterable[ProblemData], settings: AgreementSettings, with_reference: bool = False
) -> list[Decision]:
    """One decision a problem, from its samples alone."""
    return [decide(votes, settings) for votes in votes_by_problem(problems, with_reference)]


def disputed(iterations: Sequence[Sequence[Decision]]) -> set[str]:
    """The problems of which two iterations' winners want different things of one call: one of them is
    wrong."""
    wanted: dict[tuple[str, Call], str] = {}
    found: set[str] = set()
    for decision in (decision for decisions in iterations for decision in decisions if decision.kept):
        for case in decision.cases:
            if case.call is not None and case.rule not in (CONDITION, TRUTH):
                key = wanted_key(case)
                if wanted.setdefault((decision.problem_id, case.call), key) != key:
                    found.add(decision.problem_id)
    return found
