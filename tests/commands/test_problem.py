"""One problem, joined over all tables of an iteration: what was written, what it did, what became of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flows.commands.problem import problem_view, show_problem
from flows.commands.runs import open_run
from tasks.core.errors import FlywheelError
from tests.support import replay


def test_a_problem_is_shown_with_programs_tests_verdicts_and_decision(
    two_iterations: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    root = two_iterations[0].workspace
    statement, signature, right, wrong, asserts = replay.STATEMENTS[0]
    show_problem("1", root, "replay/0", json_output=True)
    view = json.loads(capsys.readouterr().out)
    assert view["problem"]["statement"] == statement
    (answers,) = view["answers"]
    assert answers["decision"]["kept"]
    assert answers["decision"]["votes"] == 4
    suites = {suite["suite_id"]: suite["cases"] for suite in answers["suites"]}
    first, second = suites.values()
    assert [len(first), len(second)] == [3, 3]
    for one in answers["solutions"]:
        body = one["code"].rpartition("return ")[2].strip()
        assert one["chosen"] == (body == right)
        verdicts = [one["verdicts"][suite_id] for suite_id in suites]
        if body == right:
            assert verdicts == [["pass"] * 3, ["fail", "pass", "pass"]]
        else:
            assert body in wrong
            assert "fail" in verdicts[0]
    assert {row["problem_id"] for row in view["rows"]} == {"replay/0"}
    assert {row["table"] for row in view["rows"]} == {"prefer/sft", "prefer/pairs"}
    show_problem("1", root, "replay/0", json_output=False)
    text = capsys.readouterr().out
    assert f"`{signature}` (statement)" in text
    assert "**Kept**: 4 of 6 samples behave alike" in text
    assert "| P1 | 4 | chosen | 3 of 3 | 2 of 3 |" in text
    assert f"| `assert double_price{asserts[3]}` | none |" in text


def test_a_labelled_problem_is_shown_as_both_models_answered_it(two_iterations: Any) -> None:
    view = problem_view(open_run("1", two_iterations[0].workspace), "starter/001")
    assert view["problem"]["gold_solution"]
    assert [part["answers"] for part in view["answers"]] == ["before", "after"]
    for part in view["answers"]:
        gold = next(s["suite_id"] for s in part["suites"] if s["origin"] == "gold")
        own = next(one for one in part["solutions"] if one["origin"] == "gold")
        assert set(own["verdicts"][gold]) == {"pass"}
        assert part["decision"] is None


def test_the_end_of_an_id_is_enough_and_what_is_not_there_is_named(two_iterations: Any) -> None:
    run = open_run("1", two_iterations[0].workspace)
    assert problem_view(run, "lay/3")["problem"]["problem_id"] == "replay/3"
    with pytest.raises(FlywheelError, match=r"has no problem called 'x' \(replay/0, "):
        problem_view(run, "x")
    with pytest.raises(FlywheelError, match=r"has 6 problems called 'replay/' \(replay/0, "):
        problem_view(run, "replay/")
    with pytest.raises(FlywheelError, match=r"which problem\?"):
        problem_view(run, "")
