"""What is kept: solutions and cases, sampled independently from a statement, that agree with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from tasks.core.progress import counted
from tasks.core.records import Call, Case, Solution, Suite
from tasks.core.rows import Decision, Dropped
from tasks.core.statistics import Share
from tasks.execution.problem_data import ProblemData, SampleRefs, read_problem_data
from tasks.execution.verdicts import wanted_key
from tasks.filtering.audit import audit
from tasks.filtering.decide import FILTER_VERSION, decide, rule_of
from tasks.filtering.votes import ProblemVotes, votes_by_problem
from tasks.pipeline.stage import IterationContext, stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Stage
from tasks.settings.agreement import AgreementSettings
from tasks.testcode.suites import case_source

OTHERWISE = "the winning group does otherwise"
TESTS_NOTHING = "passes whatever a solution returns: it tests nothing"


def dropped_by(
    votes: ProblemVotes, decision: Decision, solutions: Sequence[Solution], suites: Sequence[Suite]
) -> Iterator[Dropped]:
    """A row for the problem, and for every solution, suite and case of it, that is not kept, with its reason.

    A suite is kept if all its cases are; the cases of one that is not may be.
    """

    def row(kind: str, record_id: str, reason: str, detail: str = "") -> Dropped:
        return Dropped("agree", kind, record_id, decision.problem_id, reason, detail)

    whole = "" if decision.kept else f"its problem is dropped: {decision.reason}"
    if whole:
        share = f"votes {decision.votes}/{decision.samples}"
        yield row("problem", decision.problem_id, decision.reason, share)
    chosen = set(decision.chosen if decision.kept else ())
    for solution in solutions:
        if solution.solution_id not in chosen:
            reason = votes.set_aside.get(solution.solution_id) or whole or "is not in the winning group"
            yield row("solution", solution.solution_id, reason)
    proposed, kept = {_pair(c) for c in votes.cases}, {_pair(c) for c in decision.cases}
    for suite in suites:
        reasons = []
        for number, case in enumerate(suite.cases):
            reason = (
                TESTS_NOTHING if _pair(case) not in proposed else whole or _otherwise(_pair(case) in kept)
            )
            if reason:
                reasons.append(reason)
                yield row("case", f"{suite.suite_id}#{number}", reason, case.source[:200])
        if reasons:
            yield row("suite", suite.suite_id, Counter(reasons).most_common(1)[0][0])


def _pair(case: Case) -> tuple[Call | str, str]:
    return (case.call, wanted_key(case)) if case.call is not None else (case.check, "")


def _otherwise(kept: bool) -> str:
    return "" if kept else OTHERWISE


def show_decision(stage: Stage, problems: Sequence[ProblemData], decisions: Sequence[Decision]) -> None:
    """The surest of the kept problems, for people: a winner with the cases that hold on it."""
    kept = [pair for pair in zip(problems, decisions, strict=True) if pair[1].kept]
    if not kept:
        return
    data, best = max(kept, key=lambda pair: pair[1].score)
    code = next(one.code for one in data.solutions if one.solution_id == best.chosen[0])
    cases = "\n".join(case_source(case, data.problem.entry_point) for case in best.cases[:8])
    title = f"Kept with {best.votes} of {best.samples} votes: {data.problem.statement}"
    stage.show(title, f"{code.strip()}\n\n{cases}")


@dataclass(frozen=True)
class RuleInUse:
    """The version of the filter rule that the settings name."""

    rule_version: int


def rule_in_use(_context: IterationContext, settings: AgreementSettings) -> RuleInUse:
    """Raises `FlywheelError` when no rule has the name that is configured."""
    return RuleInUse(rule_of(settings).version)


class AgreementStatistics(Statistics):
    """What the filter kept of an iteration's samples."""

    kind: Literal["agree"] = "agree"
    problems: int = Field(description="Problems that were decided.")
    kept: int = Field(description="Those that were kept.")
    confident: int = Field(description="Kept ones that are sure enough for pairs.")
    reasons: dict[str, int] = Field(description="Problems that were not kept, by reason.")
    dropped: dict[str, int] = Field(description="Records that were not kept, by kind: reason.")
    audit: dict[str, Share] = Field(
        default_factory=dict, description="The filter on those problems that have gold, by row of the audit."
    )


@stage(StageName.AGREE, FILTER_VERSION, looks_up=rule_in_use)
def agree(
    stage: Stage,
    _rule: RuleInUse,
    samples: SampleRefs,
    settings: AgreementSettings,
    with_reference: bool,
) -> None:
    """Decide for every problem what solver and verifier agree on; audited where problems have gold.

    `with_reference`: part of the solutions was asked of the base model, which has to confirm the winners.
    """
    problems = read_problem_data(stage, samples)
    decisions: list[Decision] = []
    dropped: list[Dropped] = []
    voted = zip(problems, votes_by_problem(problems, with_reference, settings.own_word_votes), strict=True)
    for data, votes in counted(voted, len(problems), "problems"):
        decisions.append(decide(votes, settings))
        dropped += dropped_by(votes, decisions[-1], data.sampled_solutions, data.sampled_suites)
    stage.write("decisions", Decision, decisions)
    show_decision(stage, problems, decisions)
    stage.write("dropped", Dropped, dropped)
    stage.statistics = AgreementStatistics(
        problems=len(decisions),
        kept=sum(d.kept for d in decisions),
        confident=sum(d.confident for d in decisions),
        reasons=Counter(d.reason for d in decisions if not d.kept),
        dropped=dict(Counter(f"{row.kind}: {row.reason}" for row in dropped).most_common()),
        audit=audit(problems, decisions),
    )
