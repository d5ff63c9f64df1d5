"""Scores of one model on labelled problems, and the audit of the filter on the same samples.

Tests: the headline is the share of sampled suites that accept the gold solution AND reject >= 80 % of the
problem's known-wrong ones; a suite that cannot be parsed counts 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.audit import audit_filter
from tasks.benchmarks import equality_of
from tasks.judging import CallPlan, holds, invalid_checks, judge, plan_calls
from tasks.metrics import summarise
from tasks.records import Behaviour, Case, Problem, ProblemScore, Sample, Solution, Suite
from tasks.settings import AgreementSettings, EvaluationSettings
from tasks.stages import Turn, run_stage, step
from tasks.suites import case_key
from tasks.tables import by_problem
from tasks.workspace import Ref, Stage, StageResult

KILL_SHARE = 0.8


def score_problem(
    problem: Problem,
    samples: Sequence[Sample],
    solutions: Sequence[Solution],
    suites: Sequence[Suite],
    behaviours: Sequence[Behaviour],
) -> ProblemScore:
    """Everything counted on one labelled problem. Unparseable samples count as wrong."""
    plan = plan_calls(suites)
    equality = equality_of(problem.source)
    rows = {behaviour.solution_id: behaviour for behaviour in behaviours}
    invalid = invalid_checks(rows.get(f"null/{problem.problem_id}"), plan)
    gold_suite = next(suite for suite in suites if suite.origin == "gold")
    gold = next(
        (rows[s.solution_id] for s in solutions if s.origin == "gold" and s.solution_id in rows), None
    )
    wrong = [rows[s.solution_id] for s in solutions if s.origin == "wrong" and s.solution_id in rows]
    sampled = [s for s in solutions if s.origin == "sample" and s.solution_id in rows]
    correct = [s for s in sampled if holds(rows[s.solution_id], gold_suite, plan, equality)]
    own_suites = [suite for suite in suites if suite.origin == "sample"]
    valid = [
        [case for case in suite.cases if case.call is not None or case.check not in invalid]
        for suite in own_suites
    ]
    truths = [
        [gold is not None and judge(plan.outcome(gold, case), case, equality) == "pass" for case in cases]
        for cases in valid
    ]
    distinct = {
        case_key(case): truth
        for cases, marks in zip(valid, truths, strict=True)
        for case, truth in zip(cases, marks, strict=True)
    }
    sound = [bool(marks) and all(marks) for marks in truths]
    strong = [_rejects(cases, wrong, plan) for cases in valid]
    return ProblemScore(
        problem_id=problem.problem_id,
        benchmark=problem.source,
        split=problem.split,
        solutions=sum(sample.role == "solver" for sample in samples),
        solutions_correct=len(correct),
        solutions_distinct=len({s.code.strip() for s in sampled}),
        suites=sum(sample.role == "verifier" for sample in samples),
        suites_parsed=len(own_suites),
        suites_sound=sum(sound),
        suites_headline=sum(a and b for a, b in zip(sound, strong, strict=True)),
        cases=sum(map(len, truths)),
        cases_correct=sum(map(sum, truths)),
        cases_distinct=len(distinct),
        cases_distinct_correct=sum(distinct.values()),
        has_negatives=bool(wrong),
    )


def _rejects(cases: Sequence[Case], wrong: Sequence[Behaviour], plan: CallPlan) -> bool:
    """Whether the cases reject at least `KILL_SHARE` of the known-wrong solutions."""
    killed = sum(any(judge(plan.outcome(row, case), case) != "pass" for case in cases) for row in wrong)
    return bool(wrong) and killed >= KILL_SHARE * len(wrong)


@step("score")
def score(
    turn: Turn,
    label: str,
    problems: Ref,
    samples: Ref,
    solutions: Ref,
    suites: Ref,
    behaviours: Ref,
    agreement: AgreementSettings,
    settings: EvaluationSettings,
) -> StageResult:
    """Score a model on the benchmarks and audit the filter on the dev samples."""

    def compute(stage: Stage) -> None:
        workspace = turn.workspace
        all_problems = workspace.read(problems, Problem)
        all_solutions = workspace.read(solutions, Solution)
        all_suites = workspace.read(suites, Suite)
        all_behaviours = workspace.read(behaviours, Behaviour)
        samples_of = by_problem(workspace.read(samples, Sample))
        solutions_of, suites_of = by_problem(all_solutions), by_problem(all_suites)
        behaviours_of = by_problem(all_behaviours)
        rows = [
            score_problem(
                problem,
                samples_of.get(problem.problem_id, []),
                solutions_of.get(problem.problem_id, []),
                suites_of.get(problem.problem_id, []),
                behaviours_of.get(problem.problem_id, []),
            )
            for problem in all_problems
        ]
        stage.write("scores", ProblemScore, rows)
        dev = [problem for problem in all_problems if problem.split == "dev"]
        stage.facts["audit"] = audit_filter(dev, all_solutions, all_suites, all_behaviours, agreement)
        stage.facts["scores"] = {
            name: {metric: [i.mean, i.low, i.high, i.problems] for metric, i in part.items()}
            for name, part in summarise(rows, settings).items()
        }

    inputs = {
        "problems": problems,
        "samples": samples,
        "solutions": solutions,
        "suites": suites,
        "behaviours": behaviours,
    }
    plain = {"k": settings.k, "bootstrap": settings.bootstrap, "agreement": agreement.model_dump()}
    return run_stage(turn, "score", 1, inputs, plain, compute, label)
