"""One solution before one suite, as a line that people and programs read: verdicts, and why."""

from __future__ import annotations

import re
from typing import Any

from sandbox_image.iterators import Iterated
from tasks import values
from tasks.exchange import AskedSuite
from tasks.judging import CallPlan, judge, suite_outcomes, tests_nothing
from tasks.records import CONDITION, Behaviour, Case, Outcome, Solution, Verdict

MAX_DETAIL = 400
MAX_SHOWN = 1000
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")


def judged_suite(
    asked: AskedSuite, solution: Solution, plan: CallPlan, behaviour: Behaviour | None, null: Behaviour | None
) -> dict[str, Any]:
    """A line of the output. `behaviour` is None when there was nothing to run, `null` without checks.

    A suite is passed when something of it tests the solution and all of it holds, what tests nothing too.

    Times are those of the suite's own calls, each once; an import that fails is a call.
    """
    cases = []
    holds = []
    outcomes: dict[int, Outcome] = {}
    own = iter(suite_outcomes(behaviour, asked.suite, plan) if behaviour else ())
    for entry in asked.entries:
        if isinstance(entry, str) or behaviour is None:
            cases.append({"verdict": "invalid", "outcome": None, "detail": str(entry)})
            holds.append(False)
            continue
        outcome = next(own)
        outcomes[id(outcome)] = outcome
        of_null = plan.outcome(null, entry) if null else None
        verdict, detail = _verdict(asked, entry, outcome, of_null)
        cases.append({"verdict": verdict, "outcome": outcome.kind, "detail": detail})
        # `assert f(2) is not None` tests next to nothing, and sinks no suite that tests more.
        idle = verdict == "invalid" and of_null is not None and of_null.kind == "value"
        holds.append(verdict == "pass" or (idle and outcome.kind == "value"))
    return {
        "problem_id": solution.problem_id,
        "solution_id": solution.solution_id,
        "suite_id": asked.suite.suite_id,
        "passed": all(holds) and any(case["verdict"] == "pass" for case in cases),
        "cases": cases,
        "cpu_ms": round(sum((outcome.cpu_ms for outcome in outcomes.values()), 0.0), 3),
        "wall_ms": round(sum((outcome.wall_ms for outcome in outcomes.values()), 0.0), 3),
    }


def _verdict(asked: AskedSuite, case: Case, outcome: Outcome, null: Outcome | None) -> tuple[Verdict, str]:
    if case.call is None and null is not None and tests_nothing(null):
        if null.kind == "fault":
            return "fault", _said(null)
        if null.kind != "value":
            return "invalid", f"ends with any solution, without a verdict: {null.exception or null.detail}"
        if null.detail == "no call":
            return "invalid", "never calls the function under test: it tests nothing"
        return "invalid", "passes whatever the solution returns: it tests nothing"
    verdict = judge(outcome, case, asked.equality)
    return verdict, "" if verdict == "pass" else _said(outcome, case)


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
        return f"a {value.kind} of {values.to_source(value.items)}{' and more' if value.end else ''}"
    return values.to_source(value)
