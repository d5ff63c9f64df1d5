"""The join of a stage's tables by problem, against reading each table once a problem."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.records import Behaviour, Problem, Sample, Solution, Suite
from tasks.execution.problem_data import SampleRefs, join_by_problem, read_problem_data
from tasks.execution.verdicts import plan_calls
from tasks.pipeline.workspace import Workspace
from tests.support.factories import PROBLEM, suite

IDS = st.sampled_from(["p/1", "p/2", "p/3", "elsewhere"])
ORIGINS = st.sampled_from(["sample", "gold", "wrong"])
SOLUTIONS = st.lists(
    st.builds(lambda i, p, o: Solution(i, p, "code", origin=o), st.text(max_size=2), IDS, ORIGINS), max_size=8
)
SUITES = st.lists(
    st.builds(lambda i, p, o: Suite(i, p, (), origin=o), st.text(max_size=2), IDS, ORIGINS), max_size=6
)
BEHAVIOURS = st.lists(
    st.builds(lambda i, p: Behaviour(i, p, (), ()), st.sampled_from(["a", "null/p/1", "null/p/2"]), IDS),
    max_size=6,
)
PROBLEMS = [replace(PROBLEM, problem_id=name) for name in ("p/2", "p/1", "p/3")]


@given(SOLUTIONS, SUITES, BEHAVIOURS)
def test_each_problem_has_its_own_rows_in_their_order(
    solutions: list[Solution], suites: list[Suite], behaviours: list[Behaviour]
) -> None:
    joined = join_by_problem(PROBLEMS, solutions, suites, behaviours)
    assert [data.problem for data in joined] == PROBLEMS
    for data in joined:
        name = data.problem_id
        assert data.solutions == [one for one in solutions if one.problem_id == name]
        assert data.sampled_solutions == [
            one for one in solutions if (one.problem_id, one.origin) == (name, "sample")
        ]
        own_suites = [one for one in suites if one.problem_id == name]
        assert data.suites == own_suites
        assert data.sampled_suites == [one for one in own_suites if one.origin == "sample"]
        assert data.gold_suite == next((one for one in own_suites if one.origin == "gold"), None)
        own = [row for row in behaviours if row.problem_id == name]
        assert set(data.rows) == {row.solution_id for row in own}
        null = [row for row in own if row.solution_id == f"null/{name}"]
        assert data.null == (null[-1] if null else None)


def test_a_plan_is_made_once_and_not_taken_along_when_suites_change() -> None:
    one, other = suite("a", "assert add(1, 2) == 3"), suite("b", "assert add(2, 2) == 4")
    (data,) = join_by_problem([PROBLEM], suites=[one])
    assert data.plan is data.plan
    more = replace(data, suites=[one, other])
    assert more.plan == plan_calls([one, other])
    assert data.plan == plan_calls([one])


def test_tables_of_samples_are_read_as_they_were_written(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    solution = Solution("s", PROBLEM.problem_id, "code")
    sample = Sample("raw", PROBLEM.problem_id, "solver", 0, "", "text", "stop", 0, 1)
    row = Behaviour("s", PROBLEM.problem_id, (), ())
    with workspace.stage(1, "sample", "k", {}, {}) as stage:
        tables = SampleRefs(
            stage.write("problems", Problem, [PROBLEM]),
            stage.write("samples", Sample, [sample]),
            stage.write("solutions", Solution, [solution]),
            stage.write("suites", Suite, []),
            stage.write("behaviours", Behaviour, [row]),
        )
        (data,) = read_problem_data(stage, tables)
        (whole,) = read_problem_data(stage, tables, with_samples=True)
    assert (data.problem, data.solutions, data.behaviours, data.samples) == (PROBLEM, [solution], [row], [])
    assert whole == replace(data, samples=[sample])
