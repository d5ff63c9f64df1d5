"""Outcome x case -> verdict. The judge sits outside the sandbox; what it judges never saw it.

Self-play's rule is Python's `==` over plain data. A benchmark's cases may name another one (`Case.rule`:
tolerances, sets, special oracles), which then holds whatever `Equality` the judge was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tasks import values
from tasks.benchmarks.rules import RULES
from tasks.records import Behaviour, Call, Case, Outcome, Suite, Verdict

Equality = Callable[[Any, Any], bool]
CACHED_CHARACTERS = 2_000


@dataclass(frozen=True)
class CallPlan:
    """The union of distinct calls and checks of one problem's suites, and where each case finds its own."""

    calls: tuple[Call, ...]
    checks: tuple[str, ...]
    call_index: dict[Call, int]
    check_index: dict[str, int]

    def outcome(self, behaviour: Behaviour, case: Case) -> Outcome:
        """The outcome of a solution on a case of this plan. Raises KeyError for a case of another plan."""
        if case.call is not None:
            return behaviour.calls[self.call_index[case.call]]
        return behaviour.checks[self.check_index[case.check]]


def plan_calls(suites: Sequence[Suite]) -> CallPlan:
    """Distinct calls and checks of all suites of one problem, in first-seen order."""
    cases = [case for suite in suites for case in suite.cases]
    calls = tuple(dict.fromkeys(case.call for case in cases if case.call is not None))
    checks = tuple(dict.fromkeys(case.check for case in cases if case.call is None))
    return CallPlan(
        calls, checks, {call: i for i, call in enumerate(calls)}, {text: i for i, text in enumerate(checks)}
    )


def _decoded(text: str) -> Any:
    # Large values would fill the memory that the cache is bounded to by number alone.
    return _decoded_small(text) if len(text) <= CACHED_CHARACTERS else values.decode(text)


@lru_cache(maxsize=65_536)
def _decoded_small(text: str) -> Any:
    return values.decode(text)


def judge(outcome: Outcome, case: Case, equality: Equality = values.equal) -> Verdict:
    """pass, fail, invalid (the case tests nothing readable) or fault (the sandbox broke: never a label)."""
    if outcome.kind == "fault":
        return "fault"
    if case.call is None:
        return "pass" if outcome.kind == "value" else "fail"
    if case.raises:
        return "pass" if outcome.kind == "exception" and outcome.exception == case.raises else "fail"
    if not case.expected:
        return "invalid"
    if outcome.kind != "value":
        return "fail"
    try:
        value, expected = _decoded(outcome.value), _decoded(case.expected)
        if case.rule:
            return "pass" if RULES[case.rule](value, expected, case) else "fail"
        return "pass" if equality(value, expected) else "fail"
    except values.ValueFormatError:
        return "fail"


def invalid_checks(null: Behaviour | None, plan: CallPlan) -> set[str]:
    """Checks that pass for the null candidate: they test nothing, whatever they look like.

    Plain calls need no null run: a unique opaque object equals no expected value and raises nothing.
    """
    if null is None:
        return set()
    return {check for check, outcome in zip(plan.checks, null.checks, strict=True) if outcome.kind == "value"}


def outcome_key(outcome: Outcome) -> str:
    """What a program did, as a text: keys are equal iff values, exception types or kinds are."""
    return key_of(outcome.kind, outcome.value, outcome.exception)


def key_of(kind: str, value: str, exception: str) -> str:
    """`outcome_key` of an outcome's three fields. Keys of values begin with neither "!" nor "?"."""
    if kind != "value":
        return f"!{exception}" if kind == "exception" else f"?{kind}"
    try:
        return values.text_key(value)
    except values.ValueFormatError:
        return f"?unreadable {value}"


def wanted_key(case: Case) -> str:
    """The `outcome_key` that passes a plain call's case, as `judge` has it; "" if none can pass."""
    if case.raises:
        return f"!{case.raises}"
    try:
        return values.passing_key(case.expected)
    except values.ValueFormatError:
        return ""


def holds(behaviour: Behaviour, suite: Suite, plan: CallPlan, equality: Equality = values.equal) -> bool:
    """Whether a solution passes every case of a suite (an empty suite holds for nobody)."""
    verdicts = [judge(plan.outcome(behaviour, case), case, equality) for case in suite.cases]
    return bool(verdicts) and all(verdict == "pass" for verdict in verdicts)
