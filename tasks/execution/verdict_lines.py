"""One solution before one suite, as a line that people and programs read: verdicts, and why."""

from __future__ import annotations

import re
from typing import Any

from sandbox_image.iterators import Iterated
from tasks.core import literals, values
from tasks.core.records import CONDITION, Behaviour, Case, Outcome, Solution, Verdict
from tasks.execution.asked import AskedSuite, TestsNothing
from tasks.execution.checkers import Answers, checked, is_checked
from tasks.execution.hidden import hidden
from tasks.execution.verdicts import CallPlan, by_candidate, judge, suite_outcomes, tests_nothing

MAX_DETAIL = 400
MAX_SHOWN = 1000
NO_SUITE = "no suite of this problem"
NO_CALL = "no call"
_NO_NUMPY = "No module named 'numpy"
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")


def judged_suite(
    asked: AskedSuite,
    solution: Solution,
    plan: CallPlan,
    behaviour: Behaviour | None,
    null: Behaviour | None,
    answers: Answers | None = None,
) -> dict[str, Any]:
    """A line of the output. `behaviour` is None when there was nothing to run, `null` without checks,
    `answers` without a checker.

    A suite is passed when something of it tests the solution and all of it holds, what tests nothing too.

    Times are those of the suite's own calls, each once; an import that fails is a call.
    """
    cases: list[dict[str, Any]] = []
    holds = []
    outcomes: dict[int, Outcome] = {}
    own = iter(suite_outcomes(behaviour, asked.suite, plan) if behaviour else ())
    for entry in asked.entries:
        if isinstance(entry, str) or behaviour is None:
            cases.append({"verdict": "invalid", "outcome": None, "detail": str(entry)})
            holds.append(isinstance(entry, TestsNothing))
            continue
        outcome = next(own)
        outcomes[id(outcome)] = outcome
        seen = plan.outcome(null, entry) if null else None
        verdict, detail, held = _verdict(asked, entry, outcome, seen, answers)
        cases.append({"verdict": verdict, "outcome": outcome.kind, "detail": detail[:MAX_DETAIL]})
        if by_candidate(outcome):
            cases[-1]["by_candidate"] = True
        holds.append(held)
    return {
        "problem_id": solution.problem_id,
        "solution_id": solution.solution_id,
        "suite_id": asked.suite.suite_id,
        "passed": all(holds) and any(case["verdict"] == "pass" for case in cases),
        "cases": cases,
        "cpu_ms": round(sum((outcome.cpu_ms for outcome in outcomes.values()), 0.0), 3),
        "wall_ms": round(sum((outcome.wall_ms for outcome in outcomes.values()), 0.0), 3),
    }


def unmet(solution: Solution) -> dict[str, Any]:
    """The line of a solution whose problem has no suite."""
    return {
        "problem_id": solution.problem_id,
        "solution_id": solution.solution_id,
        "suite_id": None,
        "passed": False,
        "cases": [{"verdict": "invalid", "outcome": None, "detail": NO_SUITE}],
        "cpu_ms": 0.0,
        "wall_ms": 0.0,
    }


def _verdict(
    asked: AskedSuite, case: Case, outcome: Outcome, null: Outcome | None, answers: Answers | None
) -> tuple[Verdict, str, bool]:
    """Verdict, why, and whether a suite may pass with it: a pass, or a test that tests nothing and holds."""
    if case.call is None and outcome.kind == "skipped":
        return _skipped(outcome)
    # One that the null candidate's answers skip may test something all the same.
    by_answer = null is not None and null.kind == "skipped" and not null.detail.startswith(NO_CALL)
    if case.call is None and null is not None and tests_nothing(null) and not by_answer:
        return _tests_nothing(case, outcome, null)
    why = ""
    if answers is None or not is_checked(case):
        verdict = judge(outcome, case, asked.equality)
    else:
        verdict, why = checked(outcome, case, answers)
        if verdict == "invalid":
            return verdict, why, False
    if verdict == "pass":
        return verdict, "", True
    if verdict == "fail" and (unseen := hidden(outcome, case, asked.equality)):
        return "invalid", unseen, False
    return verdict, why or _said(outcome, case), False


def _skipped(outcome: Outcome) -> tuple[Verdict, str, bool]:
    """The verdict of a check that skipped itself: without a call it says nothing of the solution; after one
    it may be what the solution answered that it hides."""
    if outcome.detail.startswith(NO_CALL):
        why = outcome.detail.removeprefix(NO_CALL).removeprefix(": ")
        return "invalid", f"is skipped: {why}".removesuffix(": "), True
    why = f": {outcome.detail}" if outcome.detail else ""
    return "invalid", f"is skipped after it has asked the solution, so that it does not hold{why}", False


def _tests_nothing(case: Case, outcome: Outcome, null: Outcome) -> tuple[Verdict, str, bool]:
    """The verdict of a check that any solution passes, or that ends without one."""
    if "fault" in (null.kind, outcome.kind):
        return "fault", _said(null if null.kind == "fault" else outcome), False
    if null.kind not in ("value", "skipped"):
        why = null.exception or null.detail
        return "invalid", f"ends with any solution, without a verdict: {why}", False
    calls = not null.detail.startswith(NO_CALL)
    if outcome.kind == "value":
        if calls:
            return "invalid", "passes whatever the solution returns: it tests nothing", True
        return "invalid", "never calls the function under test: it tests nothing", True
    if not calls:
        return "invalid", f"fails whatever the solution is, before any call of it: {_said(outcome)}", False
    if why := hidden(outcome, case):
        return "invalid", why, False
    # It tests something after all: this solution fails it.
    return "fail", _said(outcome, case), False


def _said(outcome: Outcome, case: Case | None = None) -> str:
    """Why a case did not pass. Addresses of objects are left out: they differ from run to run."""
    wanted = ""
    if case and case.rule == CONDITION:
        wanted = f", asked for {values.decode(case.expected)}"
    elif case and case.call:
        wanted = f", expected {_shown(case.expected) if case.expected else case.raises}"
    if outcome.kind == "value":
        text = f"returned {_shown(outcome.value)}{wanted}"
    elif outcome.kind == "exception":
        text = f"{outcome.exception}{': ' if outcome.detail else ''}{outcome.detail}"
    else:
        text = outcome.detail
    if _NO_NUMPY in text:
        text += " (sandbox.numpy=true has it)"
    return _ADDRESS.sub("0x..", text)[:MAX_DETAIL]


def _shown(text: str) -> str:
    """A value as Python source; a large one by its size."""
    if len(text) > MAX_SHOWN:
        return f"a value of {len(text)} characters"
    try:
        value = values.decode(text)
    except values.ValueFormatError:
        return "an unreadable value"
    if isinstance(value, values.Opaque):
        return f"an object of type {value.type_name}"
    if isinstance(value, Iterated):
        return f"a {value.kind} of {literals.to_source(value.items)}{' and more' if value.end else ''}"
    return literals.to_source(value)
