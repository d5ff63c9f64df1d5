"""What is kept: solutions and cases, sampled independently from a statement, that agree with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tasks.consensus import decide_all
from tasks.records import Behaviour, Decision, Dropped, Problem, Solution, Suite
from tasks.settings import AgreementSettings
from tasks.stages import Turn, run_stage, step
from tasks.workspace import Ref, Stage, StageResult


def dropped_by(decisions: Sequence[Decision]) -> list[Dropped]:
    """A row for every problem that agreement did not keep."""
    return [
        Dropped("agree", "problem", d.problem_id, d.problem_id, d.reason, f"votes {d.votes}/{d.samples}")
        for d in decisions
        if not d.kept
    ]


@step("agree")
def agree(
    turn: Turn, problems: Ref, solutions: Ref, suites: Ref, behaviours: Ref, settings: AgreementSettings
) -> StageResult:
    """Decide for every problem what solver and verifier agree on."""

    def compute(stage: Stage) -> None:
        workspace = turn.workspace
        problem_ids = [problem.problem_id for problem in workspace.read(problems, Problem)]
        decisions = decide_all(
            problem_ids,
            workspace.read(solutions, Solution),
            workspace.read(suites, Suite),
            workspace.read(behaviours, Behaviour),
            settings,
        )
        stage.write("decisions", Decision, decisions)
        stage.write("dropped", Dropped, dropped_by(decisions))
        stage.facts.update(
            problems=len(decisions),
            kept=sum(d.kept for d in decisions),
            confident=sum(d.confident for d in decisions),
            reasons=dict(Counter(d.reason for d in decisions if not d.kept)),
        )

    inputs = {"problems": problems, "solutions": solutions, "suites": suites, "behaviours": behaviours}
    return run_stage(turn, "agree", 1, inputs, settings, compute)
