"""The filter judged on labelled problems, from samples that are drawn anyway: is what it keeps right?"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.benchmarks import equality_of
from tasks.consensus import decide_all
from tasks.judging import holds, judge, plan_calls
from tasks.metrics import wilson
from tasks.records import Behaviour, Problem, Solution, Suite
from tasks.settings import AgreementSettings
from tasks.tables import by_problem


def audit_filter(
    problems: Sequence[Problem],
    solutions: Sequence[Solution],
    suites: Sequence[Suite],
    behaviours: Sequence[Behaviour],
    settings: AgreementSettings,
) -> dict[str, dict[str, float]]:
    """The filter judged on labelled problems: `{"chosen solutions": {right, total, share, low, high}}`.

    `decide_all` sees samples only; gold is opened here, after the decisions.
    """
    decisions = decide_all([p.problem_id for p in problems], solutions, suites, behaviours, settings)
    solutions_of, suites_of, behaviours_of = by_problem(solutions), by_problem(suites), by_problem(behaviours)
    counts = dict.fromkeys(("chosen solutions", "rejected solutions", "kept cases", "problems kept"), (0, 0))
    found, available = 0, 0
    for problem, decision in zip(problems, decisions, strict=True):
        own_suites = suites_of.get(problem.problem_id, [])
        gold_suite = next((s for s in own_suites if s.origin == "gold"), None)
        if gold_suite is None:
            continue
        plan = plan_calls(own_suites)
        equality = equality_of(problem.source)
        rows = {b.solution_id: b for b in behaviours_of.get(problem.problem_id, [])}
        own = solutions_of.get(problem.problem_id, [])
        gold = next((rows[s.solution_id] for s in own if s.origin == "gold" and s.solution_id in rows), None)
        right = {
            s.solution_id
            for s in own
            if s.origin == "sample"
            and s.solution_id in rows
            and holds(rows[s.solution_id], gold_suite, plan, equality)
        }
        available += len(right)
        counts["problems kept"] = _add(counts["problems kept"], decision.kept)
        if not decision.kept:
            continue
        found += sum(solution_id in right for solution_id in decision.chosen)
        for solution_id in decision.chosen:
            counts["chosen solutions"] = _add(counts["chosen solutions"], solution_id in right)
        for solution_id in decision.rejected:
            counts["rejected solutions"] = _add(counts["rejected solutions"], solution_id not in right)
        if gold is None:
            continue
        for case in decision.cases:
            true = judge(plan.outcome(gold, case), case, equality) == "pass"
            counts["kept cases"] = _add(counts["kept cases"], true)
    counts["recall of right solutions"] = (found, available)
    return {name: _share(*pair) for name, pair in counts.items()}


def _add(pair: tuple[int, int], success: bool) -> tuple[int, int]:
    return pair[0] + success, pair[1] + 1


def _share(right: int, total: int) -> dict[str, float]:
    low, high = wilson(right, total)
    return {
        "right": right,
        "total": total,
        "share": right / total if total else 0.0,
        "low": low,
        "high": high,
    }
