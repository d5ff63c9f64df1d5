"""The passes as pure functions: what a second look asks, and what several looks come to."""

from __future__ import annotations

from tasks.core.records import Behaviour, Execution, Outcome, Solution, Tried
from tasks.execution.determinism import (
    MOVED,
    ProgramOutcomes,
    did_something,
    merge_per_suite_runs,
    passes_agree,
    second_programs,
    suite_programs,
    suite_run,
)
from tasks.execution.step import programs_of
from tasks.execution.verdicts import plan_calls, suite_verdicts
from tasks.testcode.suites import make_call
from tests.execution.test_step import PROBLEM, case, suite_of
from tests.support.factories import error, solution, value

SUITES = [
    suite_of("one", case(1, expected=2), "assert f(3)"),
    suite_of("two", "assert f(3)", case(2, expected=3), case(1, expected=2)),
]


def test_programs_and_their_other_passes() -> None:
    first, null = programs_of(
        PROBLEM, [solution("s", "code", PROBLEM), solution("t", "code", PROBLEM)], SUITES
    )
    one, two = make_call("f", [1]), make_call("f", [2])
    assert (first.calls, first.checks, null.code) == ((one, two), ("assert f(3)",), None)
    done = Execution("p", (value(2), value(3)), (value(None),))
    calls, _, check = second_programs(first, SUITES, done)
    assert (calls.calls, calls.checks, calls.steps) == ((two, one), (), ())
    assert (check.calls, check.steps) == ((), (two, one, "assert f(3)", "assert f(3)"))
    whole, alone = suite_programs(first, SUITES[1])
    assert whole.steps == ("assert f(3)", two, one)
    assert (alone.calls, alone.steps) == ((two, one), ())
    assert len(suite_programs(first, suite_of("calls", case(1, expected=2)))) == 1
    assert programs_of(PROBLEM, [Solution("s", "p", "code")], []) == []


def test_passes_agree_where_each_tried_everything_and_came_to_the_same() -> None:
    (program,) = programs_of(PROBLEM, [solution("s", "code", PROBLEM)], SUITES)[:1]
    first = Execution("p", (value(2), value(3)), (value(None),))
    programs = second_programs(program, SUITES, first)

    def agree(
        calls: tuple[Outcome, ...], again: tuple[Outcome, ...], checks: tuple[Outcome, ...] = ()
    ) -> bool:
        seen = Execution("p", calls, (value(None),))
        checked = Execution("p", (), (), (value(3), value(2), *(checks or (value(None),) * 2)))
        return passes_agree(seen, programs, [Execution("p", again, ()), Execution("p", (), ()), checked])

    assert agree((value(2), value(3)), (value(3), value(2)))
    assert not agree((value(2), value(3)), (value(2), value(3)))
    assert not agree((value(2), value(3)), (value(3), value(2)), (value(None), error("AssertionError")))
    efforts: tuple[Tried, ...] = ("full", "reduced", "not")
    hangs, reduced, not_run = (Outcome("timeout", tried=effort) for effort in efforts)
    assert agree((value(2), hangs), (reduced, value(2)))
    assert not agree((value(2), reduced), (reduced, value(2)))
    assert not agree((value(2), hangs), (not_run, value(2)))
    assert not agree((value(2), value(3)), (value(3), value(2)), (not_run, not_run))


def test_calls_that_one_suite_repeats_have_a_process_of_their_own() -> None:
    again = [suite_of("one", case(1, expected=2), case(1, expected=2), case(2, expected=3))]
    (program,) = programs_of(PROBLEM, [solution("s", "code", PROBLEM)], again)[:1]
    first = Execution("p", (value(2), value(3)), ())
    programs = second_programs(program, again, first)
    one = make_call("f", [1])
    assert programs[1].calls == (one, one)
    backwards = Execution("p", (value(3), value(2)), ())
    assert passes_agree(first, programs, [backwards, Execution("p", (value(2), value(2)), ())])
    assert not passes_agree(first, programs, [backwards, Execution("p", (value(2), value(9)), ())])


def test_what_ended_a_process_is_not_called_before_a_check() -> None:
    (program,) = programs_of(PROBLEM, [solution("s", "code", PROBLEM)], SUITES)[:1]
    crashed = Execution("p", (value(2), Outcome("crash")), (value(None),))
    assert second_programs(program, SUITES, crashed)[2].steps == (
        make_call("f", [1]),
        "assert f(3)",
        "assert f(3)",
    )


def test_a_fault_of_the_second_look_is_a_fault() -> None:
    plan = plan_calls(SUITES)
    runs = [(value(2), value(None)), (Outcome("fault"),) * 3]
    truth = merge_per_suite_runs(ProgramOutcomes((value(2), value(3)), (value(None),)), SUITES, runs, runs)
    row = Behaviour("s", PROBLEM.problem_id, truth.calls, truth.checks, truth.flaky, truth.by_suite)
    assert {suite_verdicts(row, one, plan) for one in SUITES} == {("fault",) * 2, ("fault",) * 3}


def test_a_suites_checks_are_not_believed_about_its_calls() -> None:
    whole = Execution("p", (), (), (value(None), value(99), value(2)))
    alone = Execution("p", (value(3), value(2)), ())
    outcomes = suite_run(SUITES[1], [whole, alone])
    assert [outcome.kind for outcome in outcomes] == ["value", "no_result", "value"]


def test_a_check_that_varies_takes_nobody_with_it() -> None:
    run = ProgramOutcomes((value(2), value(3)), (value(None),))
    failed = error("AssertionError")
    one = [(value(2), value(None)), (value(None), value(3), value(2))]
    two = [(value(2), failed), (failed, value(3), value(2))]
    truth = merge_per_suite_runs(run, SUITES, one, two)
    assert not truth.flaky
    assert truth.calls == (value(2), value(3))
    assert (truth.checks[0].kind, truth.checks[0].unstable) == ("no_result", "varies")
    # Nor does one that meddles with its suite's calls under one seed alone.
    moved = merge_per_suite_runs(run, SUITES, one, [two[0], (value(None), MOVED, value(2))])
    assert not moved.flaky
    assert [outcome.unstable for outcome in moved.by_suite[1].outcomes] == ["", "moved", ""]
    two[0] = (value(7), value(None))
    varied = merge_per_suite_runs(run, SUITES, one, two)
    assert varied.flaky
    # The other suite's own calls came to the same every time.
    row = Behaviour("s", PROBLEM.problem_id, varied.calls, varied.checks, True, varied.by_suite)
    told = [suite_verdicts(row, suite, plan_calls(SUITES)) for suite in SUITES]
    assert told == [("fail", "pass"), ("fail", "pass", "pass")]


def test_only_programs_that_come_to_nothing_are_spared_the_second_pass() -> None:
    hangs = Outcome("timeout", detail="cpu")
    assert not did_something(Execution("p", (hangs, Outcome("crash")), (Outcome("memory"),)))
    assert did_something(Execution("p", (hangs, value(1)), ()))
