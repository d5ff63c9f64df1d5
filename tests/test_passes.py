"""The passes as pure functions: what a second look asks, and what several looks come to."""

from __future__ import annotations

from tasks.execution import programs_of
from tasks.judging import plan_calls, suite_verdicts
from tasks.passes import (
    MOVED,
    Run,
    did_something,
    merged,
    second_programs,
    settled,
    suite_programs,
    suite_run,
)
from tasks.records import Behaviour, Execution, Outcome, Solution
from tasks.suites import make_call
from tests.factories import error, solution, value
from tests.test_execution import PROBLEM, case, suite_of

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
    calls, check = second_programs(first, SUITES)
    assert (calls.calls, calls.checks, calls.steps) == ((two, one), (), ())
    assert (check.calls, check.steps) == ((), (two, one, "assert f(3)", "assert f(3)"))
    whole, alone = suite_programs(first, SUITES[1])
    assert whole.steps == ("assert f(3)", two, one)
    assert (alone.calls, alone.steps) == ((two, one), ())
    assert len(suite_programs(first, suite_of("calls", case(1, expected=2)))) == 1
    assert programs_of(PROBLEM, [Solution("s", "p", "code")], []) == []


def test_what_was_not_run_in_one_pass_comes_from_the_other() -> None:
    skipped = Outcome("timeout", detail="not run after 3 like it")
    late = Outcome("timeout", detail="cpu", peak_kb=1)
    first = Execution("p", (late, late, late, skipped, skipped), ())
    second = Execution("p", (value(4), value(3), late, late, late), ())
    run, agree = merged(first, [second])
    assert agree
    assert run.calls == (late, late, late, value(3), value(4))
    assert not merged(first, [Execution("p", (value(4), value(3), late, value(2), late), ())])[1]


def test_a_fault_of_the_second_look_is_a_fault() -> None:
    plan = plan_calls(SUITES)
    run, agree = merged(
        Execution("p", (value(2), value(3)), (value(None),)),
        [Execution("p", (Outcome("fault"),) * 2, ()), Execution("p", (), (), (Outcome("fault"),) * 3)],
    )
    assert not agree
    runs = [(value(2), value(None)), (Outcome("fault"),) * 3]
    truth = settled(run, SUITES, runs, runs)
    row = Behaviour("s", PROBLEM.problem_id, truth.calls, truth.checks, truth.flaky, truth.by_suite)
    assert {suite_verdicts(row, one, plan) for one in SUITES} == {("fault",) * 2, ("fault",) * 3}


def test_a_suites_checks_are_not_believed_about_its_calls() -> None:
    whole = Execution("p", (), (), (value(None), value(99), value(2)))
    alone = Execution("p", (value(3), value(2)), ())
    outcomes = suite_run(SUITES[1], [whole, alone])
    assert [outcome.kind for outcome in outcomes] == ["value", "no_result", "value"]


def test_a_check_that_varies_takes_nobody_with_it() -> None:
    run = Run((value(2), value(3)), (value(None),))
    failed = error("AssertionError")
    one = [(value(2), value(None)), (value(None), value(3), value(2))]
    two = [(value(2), failed), (failed, value(3), value(2))]
    truth = settled(run, SUITES, one, two)
    assert not truth.flaky
    assert (truth.calls, truth.checks[0].kind) == ((value(2), value(3)), "no_result")
    # Nor does one that meddles with its suite's calls under one seed alone.
    assert not settled(run, SUITES, one, [two[0], (value(None), MOVED, value(2))]).flaky
    two[0] = (value(7), value(None))
    assert settled(run, SUITES, one, two).flaky


def test_only_programs_that_come_to_nothing_are_spared_the_second_pass() -> None:
    hangs = Outcome("timeout", detail="cpu")
    assert not did_something(Execution("p", (hangs, Outcome("crash")), (Outcome("memory"),)))
    assert did_something(Execution("p", (hangs, value(1)), ()))
