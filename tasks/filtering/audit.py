"""The filter judged on labelled problems, from samples that are drawn anyway: is what it keeps right?

Gold is opened here alone, after the decisions. A solution is right if it passes the gold suite, a case if
gold passes it; a suite is sound if gold passes all of it, and has power if it rejects a wrong program (a
sample or a known one). Shares are of solutions, cases and suites, with Wilson intervals: those of
one problem stand or fall together, so the true uncertainty is larger. *Kept problems right* counts problems,
and its interval is honest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tasks.core.progress import over
from tasks.core.rows import KILL_SHARE, Decision
from tasks.core.statistics import LEAST_PROBLEMS, Share, wilson
from tasks.execution.problem_data import ProblemData
from tasks.execution.verdicts import holds, invalid_checks, judge, wanted_key
from tasks.filtering.decide import decide_all
from tasks.settings.agreement import AgreementSettings

Audit = dict[str, Share]
"""By the name of a row of `ROWS`; {} of problems without gold."""
MIN_DECISIONS = 30
CHOSEN = "chosen solutions"
ROWS = (
    "kept problems right",
    CHOSEN,
    "rejected solutions",
    "kept cases",
    "dropped cases",
    "problems kept",
    "recall of right solutions",
    "recall of wrong solutions",
    "recall of true cases",
    "sound suites",
    "sound suites, kept",
    "suites with power",
    "suites with power, kept",
)
"""What is counted. Precision, then recall, then suites: of all that were sampled, and of those whose every
case was kept. A kept problem is right if most of its chosen solutions are; dropped cases are those of kept
problems; *recall* is of everything that was sampled. Of sound suites, those with power reject at least
`KILL_SHARE` of the wrong solutions: an unsound one may reject anything."""


def audit_filter(problems: Sequence[ProblemData], settings: AgreementSettings, with_reference: bool) -> Audit:
    """Decide these problems, then `audit` the decisions. `with_reference`: see `votes.votes_by_problem`."""
    return audit(problems, decide_all(problems, settings, with_reference))


def audit(problems: Sequence[ProblemData], decisions: Sequence[Decision]) -> Audit:
    """All rows of `ROWS` over problems with gold, {} without any. A share's `problems` are those of which its
    row counts something."""
    right, total, on = Counter[str](), Counter[str](), Counter[str]()
    labelled = 0
    for data, decision in zip(over(problems, "problems audited"), decisions, strict=True):
        marks = _marks(data, decision)
        labelled += marks is not None
        for row, success in marks or ():
            right[row] += success
            total[row] += 1
        on.update({row for row, _ in marks or ()})
    return {row: Share.of(right[row], total[row], on[row]) for row in ROWS} if labelled else {}


def _marks(data: ProblemData, decision: Decision) -> list[tuple[str, bool]] | None:
    """(row, whether it was right) for all that is counted on one problem; None without gold."""
    gold_suite, plan, rows, solutions = data.gold_suite, data.plan, data.rows, data.solutions
    if gold_suite is None:
        return None
    sampled = [s.solution_id for s in data.sampled_solutions if s.solution_id in rows]
    right = {solution_id for solution_id in sampled if holds(rows[solution_id], gold_suite, plan)}
    wrong = [rows[i] for i in sampled if i not in right and not rows[i].flaky]
    wrong += [rows[s.solution_id] for s in solutions if s.origin == "wrong" and s.solution_id in rows]
    chosen, rejected = (decision.chosen, decision.rejected) if decision.kept else ((), ())
    marks = [("problems kept", decision.kept)]
    if chosen:
        marks.append(("kept problems right", 2 * len(right.intersection(chosen)) > len(chosen)))
    marks += [(CHOSEN, solution_id in right) for solution_id in chosen]
    marks += [("rejected solutions", solution_id not in right) for solution_id in rejected]
    marks += [("recall of right solutions", solution_id in chosen) for solution_id in right]
    marks += [("recall of wrong solutions", i in rejected) for i in sampled if i not in right]
    gold = next(
        (rows[s.solution_id] for s in solutions if s.origin == "gold" and s.solution_id in rows), None
    )
    if gold is None or gold.flaky:
        return marks
    invalid = invalid_checks(data.null, plan)
    kept = {(case.call or case.check, wanted_key(case)) for case in decision.cases if decision.kept}
    seen = set()
    for suite in data.sampled_suites:
        cases = [case for case in suite.cases if case.call is not None or case.check not in invalid]
        keys = [(case.call or case.check, wanted_key(case)) for case in cases]
        truths = [judge(plan.outcome(gold, case), case) == "pass" for case in cases]
        for key, true in zip(keys, truths, strict=True):
            if key in seen:
                continue
            seen.add(key)
            marks += [("recall of true cases", key in kept)] if true else []
            if decision.kept:
                marks.append(("kept cases", true) if key in kept else ("dropped cases", not true))
        if not cases:
            continue
        whole = decision.kept and len(cases) == len(suite.cases) and kept.issuperset(keys)
        killed = sum(any(judge(plan.outcome(w, case), case) == "fail" for case in cases) for w in wrong)
        for row, success, counts in (
            ("sound suites", all(truths), True),
            ("suites with power", killed >= KILL_SHARE * len(wrong), wrong and all(truths)),
        ):
            if counts:
                marks += [(row, success), *([(f"{row}, kept", success)] if whole else [])]
    return marks


def imprecise(audits: Sequence[Mapping[str, Share]], floor: float) -> str:
    """Why the filter is not to be trusted any more, or "".

    It is not when even the upper end of the 95 % interval of its precision lies below `floor`: of chosen
    solutions over all these audits together, once there are `MIN_DECISIONS` on `LEAST_PROBLEMS` problems.
    """
    rows = [audit[CHOSEN] for audit in audits if audit]
    right, total = sum(row.right for row in rows), sum(row.total for row in rows)
    problems = sum(row.problems for row in rows)
    high = wilson(right, total)[1]
    if total < MIN_DECISIONS or problems < LEAST_PROBLEMS or high >= floor:
        return ""
    return f"only {right} of {total} chosen solutions are right: at most {high:.0%}, {floor:.0%} is asked for"
