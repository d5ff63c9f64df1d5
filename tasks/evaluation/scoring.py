"""Scores of one model on labelled problems, and the audit of the filter on the same samples.

A suite accepts a solution that passes all its cases that test anything, and rejects one that fails any. The
strong-suite rate asks of a suite that it accept gold AND reject at least `KILL_SHARE` of the problem's
negatives (`tasks.evaluation.negatives`); `tasks.evaluation.metrics` explains every figure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Literal

from pydantic import Field

from tasks.benchmarks.evalplus import BASE
from tasks.benchmarks.outputs import asks_for_output
from tasks.core.progress import over
from tasks.core.records import Behaviour, Case, Outcome, Problem, Sample, Solution, Suite, Verdict
from tasks.core.rows import KILL_SHARE, ProblemScore
from tasks.core.statistics import Interval, Share
from tasks.core.values import encode
from tasks.evaluation.metrics import summarise
from tasks.execution.problem_data import ProblemData, SampleRefs, join_by_problem, read_problem_data
from tasks.execution.verdicts import CallPlan, invalid_checks, judge, suite_verdicts
from tasks.filtering.audit import audit_filter
from tasks.pipeline.stage import stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import Ref, Stage
from tasks.settings.agreement import AgreementSettings
from tasks.settings.evaluation import MetricSettings
from tasks.testcode.suites import case_key

_TRUTHS = (encode(True), encode(False))


class Matrix:
    """The verdicts of one problem's programs on its cases."""

    def __init__(self, plan: CallPlan, invalid: set[str], behaviours: Sequence[Behaviour]) -> None:
        self.plan, self.invalid = plan, invalid
        self.rows = {behaviour.solution_id: behaviour for behaviour in behaviours}

    def verdict(self, solution_id: str, case: Case) -> Verdict:
        """A flaky program's outcomes are no verdict, and neither is what never ran."""
        row = self.rows.get(solution_id)
        if row is None or row.flaky:
            return "fault"
        return judge(self.plan.outcome(row, case), case)

    def verdicts(self, solution_id: str, suite: Suite) -> list[Verdict]:
        """Those of the suite's cases that test anything, in a process of the suite's own."""
        row = self.rows.get(solution_id)
        if row is None or row.flaky:
            return []
        verdicts = suite_verdicts(row, suite, self.plan, invalid=self.invalid)
        return [verdict for verdict in verdicts if verdict != "invalid"]

    def accepts(self, suite: Suite, solution_id: str) -> bool:
        """Whether it passes all of the suite's cases that test anything, and there are some."""
        return all_pass(self.verdicts(solution_id, suite))

    def is_judged(self, suite: Suite, solution_id: str) -> bool:
        """False where nothing is known: the program is flaky, never ran, or the sandbox broke."""
        row = self.rows.get(solution_id)
        return row is not None and not row.flaky and "fault" not in self.verdicts(solution_id, suite)

    def rejects(self, suite: Suite, solution_id: str) -> bool:
        return "fail" in self.verdicts(solution_id, suite)


def all_pass(verdicts: Collection[Verdict]) -> bool:
    """Whether there are verdicts, all of them "pass"."""
    return bool(verdicts) and all(verdict == "pass" for verdict in verdicts)


def score_problem(data: ProblemData, pool: ProblemData | None = None) -> ProblemScore:
    """Everything counted on one labelled problem, its suites on the programs of the `pool` of negatives too.
    Unparseable samples count as wrong."""
    problem, samples, solutions = data.problem, data.samples, data.solutions
    if asks_for_output(problem):
        return score_predictions(problem, samples, data.suites)
    invalid = invalid_checks(data.null, data.plan)
    matrix = Matrix(data.plan, invalid, data.behaviours)
    gold_suite = data.gold_suite
    assert gold_suite is not None
    gold_id = next((s.solution_id for s in solutions if s.origin == "gold"), "")
    written, sampled = data.sampled_solutions, data.sampled_suites
    negatives = pool or ProblemData(problem)
    valid = [
        [case for case in suite.cases if case.call is not None or case.check not in invalid]
        for suite in sampled
    ]
    drawn = sum(sample.role == "solver" for sample in samples)
    return ProblemScore(
        problem_id=problem.problem_id,
        benchmark=problem.source,
        split=problem.split,
        solutions=drawn,
        suites=sum(sample.role == "verifier" for sample in samples),
        has_gold=bool(gold_id),
        **_solution_counts(matrix, written, gold_suite, drawn, valid),
        **_case_counts(matrix, valid, gold_id),
        **_suite_counts(
            matrix, sampled, gold_id, Matrix(data.plan, invalid, negatives.behaviours), negatives.solutions
        ),
    )


def _distinct(valid: Sequence[Sequence[Case]]) -> list[Case]:
    return list({case_key(case): case for cases in valid for case in cases}.values())


def _solution_counts(
    matrix: Matrix,
    written: Sequence[Solution],
    gold_suite: Suite,
    drawn: int,
    valid: Sequence[Sequence[Case]],
) -> dict[str, Any]:
    """How many of the parsed solutions pass the gold suite, and how good a choice the own cases make."""
    judged = {
        s.solution_id: suite_verdicts(matrix.rows[s.solution_id], gold_suite, matrix.plan)
        for s in written
        if s.solution_id in matrix.rows
    }
    correct = {solution_id for solution_id, verdicts in judged.items() if all_pass(verdicts)}
    in_base = [case.source == BASE for case in gold_suite.cases]
    passed = {
        s.solution_id: sum(matrix.verdict(s.solution_id, case) == "pass" for case in _distinct(valid))
        for s in written
    }
    return {
        "solutions_correct": len(correct),
        "solutions_distinct": len({s.code.strip() for s in written}),
        "has_base": any(in_base),
        "solutions_correct_base": sum(
            all_pass([*compress(verdicts, in_base)]) for verdicts in judged.values()
        ),
        "best_of_n": chosen_right(passed, correct, drawn),
    }


def _case_counts(matrix: Matrix, valid: Sequence[Sequence[Case]], gold_id: str) -> dict[str, Any]:
    """How many of the cases that test anything hold on gold; *non-boolean* are those that expect no
    boolean."""
    distinct = _distinct(valid)
    true = {case_key(case) for case in distinct if matrix.verdict(gold_id, case) == "pass"}
    non_boolean = [case for case in distinct if case.expected not in _TRUTHS]
    return {
        "cases": sum(map(len, valid)),
        "cases_correct": sum(case_key(case) in true for cases in valid for case in cases),
        "cases_distinct": len(distinct),
        "cases_distinct_correct": len(true),
        "cases_non_boolean": len(non_boolean),
        "cases_non_boolean_correct": sum(case_key(case) in true for case in non_boolean),
    }


def _suite_counts(
    matrix: Matrix, sampled: Sequence[Suite], gold_id: str, negatives: Matrix, pool: Sequence[Solution]
) -> dict[str, Any]:
    """Which suites accept gold and reject how much of the pool of known-wrong solutions.

    A suite none of whose cases tests anything accepts nothing: it is unsound, and no false acceptance.
    """
    sound = [matrix.accepts(suite, gold_id) for suite in sampled]
    killed = [{s.solution_id for s in pool if negatives.rejects(suite, s.solution_id)} for suite in sampled]
    accepted = [
        [negatives.accepts(suite, s.solution_id) for s in pool if negatives.is_judged(suite, s.solution_id)]
        for suite in sampled
    ]
    strong = [bool(pool) and len(ids) >= KILL_SHARE * len(pool) for ids in killed]
    mutants = {s.solution_id for s in pool if s.origin == "mutant" and s.parent == gold_id}
    return {
        "suites_parsed": len(sampled),
        "suites_sound": sum(sound),
        "suites_strong": sum(a and b for a, b in zip(sound, strong, strict=True)),
        "negatives": len(pool),
        "rejections": sum(map(len, accepted)),
        "rejected": sum(known.count(False) for known in accepted),
        "mutant_trials": sum(sound) * len(mutants),
        "mutants_killed": sum(len(ids & mutants) for ids, fair in zip(killed, sound, strict=True) if fair),
    }


def score_predictions(problem: Problem, samples: Sequence[Sample], suites: Sequence[Suite]) -> ProblemScore:
    """The counts of a problem that asks for an output: one that is predicted is judged like a program's."""
    (gold,) = problem.gold_cases
    outputs = [case.expected for suite in suites if suite.origin == "sample" for case in suite.cases]
    return ProblemScore(
        problem_id=problem.problem_id,
        benchmark=problem.source,
        split=problem.split,
        solutions=0,
        solutions_correct=0,
        solutions_distinct=0,
        suites=0,
        suites_parsed=0,
        suites_sound=0,
        suites_strong=0,
        cases=0,
        cases_correct=0,
        cases_distinct=0,
        cases_distinct_correct=0,
        has_gold=False,
        predictions=len(samples),
        predictions_correct=sum(judge(Outcome("value", output), gold) == "pass" for output in outputs),
        group=problem.parent,
    )


def chosen_right(passed: dict[str, int], correct: set[str], drawn: int) -> float:
    """Probability that one of the solutions with most own cases passed, drawn evenly, is right.

    `passed` holds the parsed ones of `drawn` solutions; the others pass no case and are wrong.
    """
    most = max(passed.values(), default=0)
    best = [solution_id for solution_id, count in passed.items() if count == most]
    rivals = len(best) + (drawn - len(passed) if most == 0 else 0)
    return sum(solution_id in correct for solution_id in best) / rivals if rivals else 0.0


@dataclass(frozen=True)
class AuditSamples:
    """The base model's samples on the same problems, run on the scored model's suites: the filter is audited
    on the first `policy` solutions of the scored model and the first `reference` of the base."""

    reference_samples: Ref
    reference_solutions: Ref
    reference_behaviours: Ref
    policy: int
    reference: int


def audited_mix(data: ProblemData, reference: ProblemData, mix: AuditSamples) -> ProblemData:
    """A problem with as many of the scored model's solutions, and of the `reference` model's, as self-play
    has of each. Those of the reference have their ids marked, which tells the two apart whatever both models
    were asked."""

    def name(solution_id: str) -> str:
        return f"reference/{solution_id}"

    known = [one for one in data.solutions if one.origin != "sample"]
    policy = _first_solutions(data, mix.policy)
    others = [
        replace(one, solution_id=name(one.solution_id), of_reference=True)
        for one in _first_solutions(reference, mix.reference)
    ]
    rows = [replace(row, solution_id=name(row.solution_id)) for row in reference.behaviours]
    return replace(data, solutions=[*known, *policy, *others], behaviours=[*data.behaviours, *rows])


def _first_solutions(data: ProblemData, count: int) -> list[Solution]:
    """The sampled solutions among the first `count` that were drawn, parsed or not."""
    drawn = {row.sample_id for row in data.samples if row.role == "solver" and row.index < count}
    return [one for one in data.sampled_solutions if one.sample_id in drawn]


class ScoreStatistics(Statistics):
    """A model's scores, and how the filter fared on the same samples."""

    kind: Literal["score"] = "score"
    audit: dict[str, Share] = Field(description="The filter on dev problems, by row of the audit.")
    scores: dict[str, dict[str, Interval]] = Field(description="Benchmark/split -> metric -> interval.")


@stage(StageName.SCORE, 9)
def score(
    stage: Stage,
    samples: SampleRefs,
    pool: Ref,
    pool_behaviours: Ref,
    agreement: AgreementSettings,
    metrics: MetricSettings,
    audit_samples: AuditSamples | None = None,
) -> None:
    """Score a model's `samples` on the benchmarks, its tests against `pool`, and audit the filter on the dev
    samples, `audit_samples` with the base model's."""
    problems = read_problem_data(stage, samples, with_samples=True)
    labelled = [data.problem for data in problems]
    negatives = join_by_problem(
        labelled, stage.read(pool, Solution), behaviours=stage.read(pool_behaviours, Behaviour)
    )
    pairs = zip(over(problems, "problems scored"), negatives, strict=True)
    rows = [score_problem(data, wrong) for data, wrong in pairs]
    stage.write("scores", ProblemScore, rows)
    if audit_samples is not None:
        references = join_by_problem(
            labelled,
            stage.read(audit_samples.reference_solutions, Solution),
            behaviours=stage.read(audit_samples.reference_behaviours, Behaviour),
            samples=stage.read(audit_samples.reference_samples, Sample),
        )
        problems = [
            audited_mix(data, reference, audit_samples)
            for data, reference in zip(problems, references, strict=True)
        ]
    dev = [data for data in problems if data.problem.split == "dev"]
    audited = audit_filter(dev, agreement, with_reference=audit_samples is not None)
    stage.statistics = ScoreStatistics(audit=audited, scores=summarise(rows, metrics))
