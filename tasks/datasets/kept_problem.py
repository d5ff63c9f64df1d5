"""All that is known about one kept problem: samples, mutants of the winners, and what each of them did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.records import Behaviour, Case, Problem, Role, Sample, Solution, Suite
from tasks.core.rows import Decision
from tasks.core.tables import by_problem
from tasks.datasets.taught import AskedPrompt
from tasks.execution.problem_data import ProblemData
from tasks.execution.verdicts import CallPlan, answered, judge, untold_checks
from tasks.generation import prompts
from tasks.models.layouts import chatml
from tasks.mutation.mutate import non_equivalent_mutants
from tasks.settings.sampling import SamplingSettings


@dataclass(frozen=True)
class KeptProblem:
    """One kept problem. Lists hold samples alone, never gold.

    `targets` are the ids of what a good suite must be able to reject: losing solutions first, then mutants
    of the winners that differ from them on a known call; all of them run on the agreed cases. `sampling` is
    how the `samples` were asked for.
    """

    problem: Problem
    decision: Decision
    solutions: dict[str, Solution]
    suites: list[Suite]
    behaviours: dict[str, Behaviour]
    plan: CallPlan
    invalid: set[str]
    samples: dict[str, Sample]
    sampling: SamplingSettings
    targets: tuple[str, ...]

    @property
    def is_verbatim(self) -> bool:
        """Whether rows are samples as they came: not in the demo's format, nor of tables without messages."""
        return self.sampling.format != "smollm-demo" and any(one.messages for one in self.samples.values())

    def asked(self, role: Role) -> AskedPrompt:
        """What the samples of a role were asked with."""
        for one in self.samples.values():
            if one.role == role and one.messages:
                return AskedPrompt(one.prompt, one.messages, one.prefill, one.prompt_digest)
        if role == "solver":
            prompt = prompts.solver_prompt(self.problem)
        else:
            prompt = prompts.verifier_prompt(self.problem, self.sampling.cases_per_suite)
        return AskedPrompt(chatml(prompt.messages, prompt.prefill), prompt.messages, prompt.prefill)

    def passes(self, solution_id: str, case: Case) -> bool:
        """Whether a solution or mutant passes a case."""
        return judge(self.plan.outcome(self.behaviours[solution_id], case), case) == "pass"

    def kills(self, cases: Sequence[Case]) -> list[str]:
        """The targets that the cases reject."""
        return [one for one in self.targets if not all(self.passes(one, case) for case in cases)]

    def runs(self, solution_id: str) -> bool:
        """Whether a solution answers all agreed cases, rightly or wrongly."""
        return _runs(self.behaviours[solution_id], self.decision, self.plan)


def _runs(behaviour: Behaviour, decision: Decision, plan: CallPlan) -> bool:
    return all(answered(plan.outcome(behaviour, case), case) for case in decision.cases)


def load_kept_problems(
    problems: Sequence[ProblemData],
    mutant_behaviours: Sequence[Behaviour],
    decisions: Sequence[Decision],
    sampling: SamplingSettings | None = None,
) -> list[KeptProblem]:
    """What is known of every kept problem, in the order of `problems`. All behaviours are over one plan.

    Without samples rows are in the demo's format, as all were in earlier versions.
    """
    mutants_of = by_problem(mutant_behaviours)
    decision_of = {decision.problem_id: decision for decision in decisions}
    kept = []
    for data in problems:
        decision = decision_of[data.problem_id]
        if not decision.kept:
            continue
        null_id = f"null/{data.problem_id}"
        mutants = [row for row in mutants_of.get(data.problem_id, []) if row.solution_id != null_id]
        rivals = [data.rows[loser] for loser in decision.rejected]
        rivals += non_equivalent_mutants(data.rows[decision.chosen[0]], mutants)
        kept.append(
            KeptProblem(
                data.problem,
                decision,
                {one.solution_id: one for one in data.sampled_solutions},
                data.sampled_suites,
                data.rows | {row.solution_id: row for row in mutants},
                data.plan,
                # What has voted is told: the settings have let it.
                untold_checks(data.null, data.rows.values(), data.plan)
                - {case.check for case in decision.cases},
                {one.sample_id: one for one in data.samples},
                sampling or SamplingSettings(format="smollm-demo"),
                tuple(row.solution_id for row in rivals if _runs(row, decision, data.plan)),
            )
        )
    return kept
