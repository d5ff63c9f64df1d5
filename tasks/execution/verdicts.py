"""Outcome x case -> verdict. The judge sits outside the sandbox; what it judges never saw it.

Self-play's rule is Python's `==` over plain data. A benchmark's cases may name another one (`Case.rule`:
tolerances, sets, special oracles), which then holds whatever `Equality` the judge was given.
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sandbox_image.iterators import Iterated
from sandbox_image.outcomes import BY_CANDIDATE
from tasks.benchmarks.registry import rules
from tasks.core import values
from tasks.core.records import CONDITION, TRUTH, Behaviour, Call, Case, Outcome, Suite, Unstable, Verdict
from tasks.testcode import conditions

_EXITS = ("SystemExit", "KeyboardInterrupt", "GeneratorExit")
Equality = Callable[[Any, Any], bool]
# Details of outcomes that say that the sandbox could not tell, not that something is wrong.
TOO_LARGE = "the result is too large"
UNSTABLE: dict[Unstable, str] = {
    "varies": "varies between equal runs",
    "differs": "differs from suite to suite",
    "moved": "differs where its suite's checks run too",
}
CACHED_CHARACTERS = 500
CACHED_VALUES = 65_536


@dataclass(frozen=True)
class CallPlan:
    """The union of distinct calls and checks of one problem's suites, and where each case finds its own."""

    calls: tuple[Call, ...]
    checks: tuple[str, ...]
    call_index: dict[Call, int]
    check_index: dict[str, int]

    def outcome(self, behaviour: Behaviour, case: Case) -> Outcome:
        """The outcome of a solution on a case of this plan. Raises KeyError for a case of another plan.

        A call that came out differently in two suites has outcome "no_result" here: `suite_outcomes` knows.
        """
        if case.call is not None:
            return behaviour.calls[self.call_index[case.call]]
        return behaviour.checks[self.check_index[case.check]]


def plan_calls(suites: Sequence[Suite]) -> CallPlan:
    """Distinct calls and checks of all suites of one problem, in first-seen order."""
    call_index: dict[Call, int] = {}
    check_index: dict[str, int] = {}
    for suite in suites:
        for case in suite.cases:
            if case.call is not None:
                call_index.setdefault(case.call, len(call_index))
            else:
                check_index.setdefault(case.check, len(check_index))
    return CallPlan(tuple(call_index), tuple(check_index), call_index, check_index)


def _decoded(text: str) -> Any:
    # Large values would fill the memory that the cache is bounded to by number alone.
    return _decoded_small(text) if len(text) <= CACHED_CHARACTERS else values.decode(text)


@lru_cache(maxsize=CACHED_VALUES)
def _decoded_small(text: str) -> Any:
    return values.decode(text)


def judge(outcome: Outcome, case: Case, equality: Equality = values.equal) -> Verdict:
    """pass, fail, invalid (the case tests nothing readable) or fault (the sandbox broke: never a label).

    What the sandbox could not see is a fail here, so that nobody is excused from it; `hidden` tells why.
    """
    if outcome.kind == "fault":
        return "fault"
    if outcome.variants:
        return "pass" if {*variant_verdicts(outcome, case, equality)} == {"pass"} else "fail"
    if case.call is None:
        return "pass" if outcome.kind == "value" else "fail"
    if case.raises:
        return "pass" if key_passes(outcome_key(outcome), f"!{case.raises}") else "fail"
    if not case.expected:
        return "invalid"
    if outcome.kind != "value":
        return "fail"
    try:
        value, expected = _decoded(outcome.value), _decoded(case.expected)
        if case.rule == TRUTH:
            # An object that stayed in the solution's process has no truth here.
            told = not isinstance(value, values.Opaque) and bool(value) is expected
            return "pass" if told else "fail"
        if case.rule == CONDITION:
            return "pass" if conditions.holds(expected, values.exact(value, outcome.value)) else "fail"
        if case.rule:
            return "pass" if rules()[case.rule](value, expected, case) else "fail"
        return "pass" if equality(value, expected) else "fail"
    except values.ValueFormatError:
        return "fail"


def variant_verdicts(outcome: Outcome, case: Case, equality: Equality = values.equal) -> list[Verdict]:
    """The verdicts of the values that a call returned by turns."""
    each = [replace(outcome, kind="value", value=value, variants=()) for value in outcome.variants]
    return [judge(one, case, equality) for one in each]


def is_decided(outcome: Outcome, case: Case) -> bool:
    """Whether a case has one verdict on a call whose result comes in another order from run to run: it asks
    for a condition, as `sorted(f(x)) == [1, 2]` or `len(f(x)) == 2`, that holds of each, or of none."""
    asks = case.rule in (CONDITION, TRUTH) and bool(order_free_key(outcome))
    return asks and len({*variant_verdicts(outcome, case)}) == 1


def order_free_key(outcome: Outcome) -> str:
    """One text for all orders of a result whose order varies, as an `outcome_key` of a value; "" of any other
    outcome, and where more than the order varies."""
    try:
        keys = {_unordered(_decoded(value)) for value in outcome.variants}
    except values.ValueFormatError:
        return ""
    return f'{{"u":{keys.pop()}}}' if len(keys) == 1 else ""


def _unordered(value: Any) -> str:
    if isinstance(value, list | tuple | deque):
        return f"{type(value).__name__}[{','.join(sorted(map(_unordered, value)))}]"
    if isinstance(value, dict):
        pairs = (f"{_unordered(key)}:{_unordered(item)}" for key, item in value.items())
        return f"{{{','.join(sorted(pairs))}}}"
    if isinstance(value, Iterated):
        return f"{value.kind}[{','.join(sorted(map(_unordered, value.items)))}]{value.end}"
    return values.behaviour_key(value)


def answered(outcome: Outcome, case: Case) -> bool:
    """Whether a program did, rightly or wrongly, what a case asks of it: it returned a value, raised where
    an exception is wanted, or failed the assertion of a check. All else is a crash."""
    if outcome.kind != "exception":
        return outcome.kind == "value"
    failed = case.call is None and outcome.exception == "AssertionError"
    return not outcome.loading and (failed or bool(case.raises))


def suite_outcomes(behaviour: Behaviour, suite: Suite, plan: CallPlan) -> Sequence[Outcome]:
    """A solution's outcomes on a suite's cases, as in a fresh process for this suite."""
    own = next((run.outcomes for run in behaviour.by_suite if run.suite_id == suite.suite_id), None)
    return own or [plan.outcome(behaviour, case) for case in suite.cases]


def tests_nothing(null: Outcome) -> bool:
    """Whether a check with this outcome for the null candidate tests nothing, whatever it looks like.

    One that tests something calls the entry point, gets an object that is equal to nothing, and raises. One
    that passes, exits or dies, or never calls (`sandbox_image.check` lets it pass then), does not.
    """
    return null.kind not in ("exception", "boundary") or null.exception in _EXITS


def invalid_checks(null: Behaviour | None, plan: CallPlan) -> set[str]:
    """Checks that test nothing. Plain calls need no null run: a unique opaque object equals no expected
    value and raises nothing.
    """
    if null is None:
        return set()
    return {check for check, outcome in zip(plan.checks, null.checks, strict=True) if tests_nothing(outcome)}


def by_candidate(outcome: Outcome) -> bool:
    """Whether a check has passed by the word of the solution's own classes: two of their objects were
    compared, or the truth of objects is all that was looked at."""
    return outcome.kind == "value" and outcome.detail == BY_CANDIDATE


def untold_checks(
    null: Behaviour | None, behaviours: Iterable[Behaviour], plan: CallPlan, own_word: bool = False
) -> set[str]:
    """Checks that say nothing of a solution that anyone but itself could vouch for: they test nothing, or
    some solution passes them by its own word. `own_word`: that counts."""
    by_word = (
        set()
        if own_word
        else {
            check
            for behaviour in behaviours
            for check, outcome in zip(plan.checks, behaviour.checks, strict=True)
            if by_candidate(outcome)
        }
    )
    return by_word | invalid_checks(null, plan)


def outcome_key(outcome: Outcome) -> str:
    """What a program did, as a text: keys are equal iff values, exception types or kinds are.

    Keys of values begin with neither "!" nor "?".
    """
    if outcome.kind == "value":
        return VALUE_KEYS[outcome.value]
    if outcome.variants and (key := order_free_key(outcome)):
        return key
    return _failure_key(outcome.kind, outcome.exception, outcome.bases, outcome.loading)


class _ValueKeys(dict[str, str]):
    """Encoded value -> `outcome_key`. Values repeat, in a problem and from one to the next; what is held is
    bounded, in number and size."""

    def __missing__(self, value: str) -> str:
        try:
            key = values.text_key(value)
        except values.ValueFormatError:
            key = f"?unreadable {value}"
        if max(len(value), len(key)) <= CACHED_CHARACTERS:
            if len(self) >= CACHED_VALUES:
                self.clear()
            self[value] = key
        return key


VALUE_KEYS = _ValueKeys()
# How the key of an object that is no plain data begins.
OPAQUE_KEY = '{"o":'
_FALSE: tuple[Any, ...] = (
    None,
    0,
    "",
    b"",
    [],
    (),
    {},
    set(),
    deque(),
    range(0),
    {}.keys(),
    {}.values(),
    {}.items(),
)
_FALSE_KEYS = {VALUE_KEYS[values.encode(value)] for value in _FALSE}


@lru_cache(maxsize=4096)
def _failure_key(kind: str, exception: str, bases: tuple[str, ...], loading: bool) -> str:
    if kind != "exception":
        return f"?{kind}"
    return f"?loading {exception}" if loading else "|".join([f"!{exception}", *bases])


def key_passes(key: str, wanted: str) -> bool:
    """Whether an outcome with this key passes a case with that `wanted_key`: equal, an exception that is
    caught as the one wanted, or a value that is as true."""
    if wanted[:1] == "~":
        is_value = key[:1] not in "!?" and not key.startswith(OPAQUE_KEY)
        return is_value and (key in _FALSE_KEYS) == (wanted == "~0")
    return key == wanted or (key[:1] == "!" == wanted[:1] and wanted[1:] in _caught_as(key))


@lru_cache(maxsize=4096)
def _caught_as(key: str) -> frozenset[str]:
    """The names of all builtin types, aliases like IOError too, that an exception's key derives from."""
    return frozenset().union(*map(_ancestry, key[1:].split("|")))


def _ancestry(name: str) -> frozenset[str]:
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        return frozenset({name})
    return frozenset(known for known, base in vars(builtins).items() if base in kind.__mro__[:-1])


def wanted_key(case: Case) -> str:
    """What the `outcome_key`s that pass a plain call's case, as `judge` has it, must match (`key_passes`);
    "" if none can. Of a condition its text behind "=": keys do not tell all that it may ask of a value."""
    if case.raises:
        return f"!{case.raises}"
    if case.rule == CONDITION:
        return f"={_decoded(case.expected)}"
    key = VALUE_KEYS[case.expected]
    if case.rule == TRUTH:
        return f"~{key}"
    return "" if key[:1] == "?" or values.passes_nothing(case.expected) else key


def suite_verdicts(
    behaviour: Behaviour,
    suite: Suite,
    plan: CallPlan,
    equality: Equality = values.equal,
    invalid: Collection[str] = (),
) -> tuple[Verdict, ...]:
    """A solution's verdicts on a suite's cases, as in a fresh process for this suite. `invalid` are
    checks that test nothing (`invalid_checks`)."""
    verdicts: list[Verdict] = []
    for case, outcome in zip(suite.cases, suite_outcomes(behaviour, suite, plan), strict=True):
        verdict = judge(outcome, case, equality)
        if case.call is None and case.check in invalid:
            verdict = "invalid"
        verdicts.append(verdict)
    return tuple(verdicts)


def holds(behaviour: Behaviour, suite: Suite, plan: CallPlan, equality: Equality = values.equal) -> bool:
    """Whether a solution passes every case of a suite (an empty suite holds for nobody)."""
    verdicts = suite_verdicts(behaviour, suite, plan, equality)
    return bool(verdicts) and all(verdict == "pass" for verdict in verdicts)
