"""Problems with what was sampled for them and what each of it did: the one join of a stage's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tasks.core.records import Behaviour, Problem, Sample, Solution, Suite
from tasks.core.tables import by_problem
from tasks.execution.verdicts import CallPlan, plan_calls
from tasks.pipeline.workspace import Ref, Stage


@dataclass(frozen=True)
class SampleRefs:
    """The tables of some problems' samples and of what these did, each over all of the problems."""

    problems: Ref
    samples: Ref
    solutions: Ref
    suites: Ref
    behaviours: Ref


@dataclass(frozen=True)
class ProblemData:
    """One problem with its rows of every table, in their order. `behaviours` are over the calls and checks of
    all `suites`, which `plan` numbers."""

    problem: Problem
    solutions: Sequence[Solution] = ()
    suites: Sequence[Suite] = ()
    behaviours: Sequence[Behaviour] = ()
    samples: Sequence[Sample] = ()

    @property
    def problem_id(self) -> str:
        return self.problem.problem_id

    @cached_property
    def plan(self) -> CallPlan:
        return plan_calls(self.suites)

    @cached_property
    def rows(self) -> dict[str, Behaviour]:
        """What each solution did, by its id; the null candidate's is `null` too."""
        return {row.solution_id: row for row in self.behaviours}

    @property
    def null(self) -> Behaviour | None:
        """What the null candidate did, where it ran."""
        return self.rows.get(f"null/{self.problem_id}")

    @property
    def sampled_solutions(self) -> list[Solution]:
        """Those that a model wrote, neither gold nor known to be wrong."""
        return [one for one in self.solutions if one.origin == "sample"]

    @property
    def sampled_suites(self) -> list[Suite]:
        return [suite for suite in self.suites if suite.origin == "sample"]

    @property
    def gold_suite(self) -> Suite | None:
        return next((suite for suite in self.suites if suite.origin == "gold"), None)


def join_by_problem(
    problems: Sequence[Problem],
    solutions: Sequence[Solution] = (),
    suites: Sequence[Suite] = (),
    behaviours: Sequence[Behaviour] = (),
    samples: Sequence[Sample] = (),
) -> list[ProblemData]:
    """Every problem, in their order, with its own rows of the other tables; rows of other problems are left
    out."""
    solutions_of, suites_of = by_problem(solutions), by_problem(suites)
    behaviours_of, samples_of = by_problem(behaviours), by_problem(samples)
    return [
        ProblemData(
            problem,
            solutions_of.get(problem.problem_id, []),
            suites_of.get(problem.problem_id, []),
            behaviours_of.get(problem.problem_id, []),
            samples_of.get(problem.problem_id, []),
        )
        for problem in problems
    ]


def read_problem_data(stage: Stage, tables: SampleRefs, with_samples: bool = False) -> list[ProblemData]:
    """The problems of these tables; raw samples only where they are asked for, as they are long."""
    return join_by_problem(
        stage.read(tables.problems, Problem),
        stage.read(tables.solutions, Solution),
        stage.read(tables.suites, Suite),
        stage.read(tables.behaviours, Behaviour),
        stage.read(tables.samples, Sample) if with_samples else (),
    )
