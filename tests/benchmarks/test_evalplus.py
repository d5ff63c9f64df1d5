"""MBPP+: its canonical solutions pass in our sandbox, by evalplus's own expected values and rule.

`data/mbpp-plus-expected.jsonl.xz` holds what evalplus 0.3.1 computes in the peers' environment:
our own run of the canonical solutions would prove nothing.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.benchmarks.evalplus import agrees, complete, load_mbpp_plus
from tasks.benchmarks.evalplus_inputs import decode_mbpp
from tasks.benchmarks.files import data_file
from tasks.benchmarks.registry import BUILT_IN, limits_for, load_benchmark
from tasks.core import values
from tasks.core.errors import FlywheelError
from tasks.core.records import Case, Outcome, Problem, Program, Suite
from tasks.evaluation.reference_runs import is_open, with_gold
from tasks.execution.verdicts import judge, plan_calls
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings
from tasks.testcode.suites import make_call

EXPECTED = Path(__file__).parents[1] / "data" / "mbpp-plus-expected.jsonl.xz"
# These compute for seconds, or return gigabytes: `make soak` runs them too.
SLOW = frozenset("84 123 255 271 300 389 392 583 589 592 599 603".split())  # noqa: SIM905
needs_data = pytest.mark.skipif(data_file("mbpp-plus.jsonl") is None, reason="needs FLYWHEEL_DATA_DIR")


def number(problem: Problem) -> str:
    return problem.problem_id.rpartition("/")[2]


def labelled() -> list[Problem]:
    """MBPP+ with the expected values that evalplus computes."""
    with lzma.open(EXPECTED, "rt", encoding="ascii") as file:
        rows = {row["task_id"].rpartition("/")[2]: row for row in map(json.loads, file)}
    return [
        complete(problem, [Outcome("value", text) for part in ("base", "plus") for text in row[part]])
        for problem in load_mbpp_plus()
        for row in [rows[number(problem)]]
    ]


def failures(image: str, problems: Sequence[Problem]) -> list[str]:
    """What the canonical solutions do not pass."""
    plans = {p.problem_id: plan_calls([Suite("", p.problem_id, p.gold_cases)]) for p in problems}
    programs = [
        Program(p.problem_id, p.gold_solution, p.entry_point, plans[p.problem_id].calls, digests=True)
        for p in problems
    ]
    found = []
    with DockerSandbox(limits_for(["mbpp-plus"], SandboxSettings()), image, "mbpp-plus") as sandbox:
        for problem, done in zip(problems, sandbox.run(programs), strict=True):
            for case in problem.gold_cases:
                assert case.call is not None
                outcome = done.calls[plans[problem.problem_id].call_index[case.call]]
                if judge(outcome, case) != "pass":
                    found.append(f"{problem.problem_id} {case.call.arguments[:80]}: {outcome}"[:300])
    return found


@needs_data
def test_canonical_solutions_pass(image: str) -> None:
    problems = labelled()
    assert len(problems) == 378
    assert sum(len(problem.gold_cases) for problem in problems) > 40_000
    assert all(problem.statement and problem.signature and problem.split == "test" for problem in problems)
    assert failures(image, [p for p in problems if number(p) not in SLOW]) == []


@needs_data
@pytest.mark.soak
def test_slow_canonical_solutions_pass(image: str) -> None:
    assert failures(image, [p for p in labelled() if number(p) in SLOW]) == []


@needs_data
def test_missing_expected_values_are_those_of_the_canonical_solution() -> None:
    theirs = {problem.problem_id: problem for problem in labelled()}
    chosen = [p for p in load_mbpp_plus() if number(p) in ("3", "82", "124", "558", "737")]
    ours, _ = with_gold(chosen, SandboxSettings())
    assert len(ours) == 5
    assert not any(map(is_open, ours))
    assert ours == [theirs[problem.problem_id] for problem in ours]


def case(name: str, *args: object, tolerance: float = 0.0) -> Case:
    return Case("plus", make_call(name, args), rule="evalplus", tolerance=tolerance)


def test_sets_none_and_other_oracles() -> None:
    assert agrees((5, 4, 4), (4, 5), case("similar_elements", [], []))
    assert not agrees((5, 4), (4, 5), case("other", [], []))
    assert not agrees(7, (4, 5), case("similar_elements", [], []))
    assert agrees(values.Opaque("Match"), True, case("check_str", "x"))
    assert not agrees(None, True, case("check_str", "x"))
    assert agrees(None, False, case("check_str", "x"))
    assert agrees(0, 8, case("sum_div", 8))
    assert agrees(["anything"], True, case("are_equivalent", 1, 2))
    assert agrees(1, 99, case("digit_distance_nums", 12, 2))
    assert agrees(35, 99, case("surface_Area", 3, 4))
    assert not agrees("33", 99, case("surface_Area", 3, 4))


@given(st.floats(-1e6, 1e6), st.floats(-1e-7, 1e-7))
def test_a_tolerance_holds_for_equal_types_only(x: float, error: float) -> None:
    close = case("f", tolerance=1e-6)
    assert agrees(x + error, x, close)
    assert agrees([x + error, x], [x, x], close)
    assert not agrees([x + 1], [x], close)
    assert not agrees([x, x], [x], close)
    assert not agrees((x + 0.5e-6,), [x], close)
    assert not agrees({"a": x + 0.5e-6}, {"a": x}, close) or x + 0.5e-6 == x
    assert agrees(x, x, case("f"))


def test_the_tolerance_is_sticky_and_starts_anew_for_plus_inputs() -> None:
    problem = Problem("p", "", "f", "def f(x):", "mbpp-plus", gold_solution="def f(x):\n    return x\n")
    cases = tuple(replace(case("f", x), source=part) for part in ("base", "plus") for x in (1, 2.5, [1]))
    outcomes = [Outcome("value", values.encode(x)) for _ in range(2) for x in (1, 2.5, [1])]
    done = complete(replace(problem, gold_cases=cases), outcomes)
    assert [c.tolerance for c in done.gold_cases] == [0.0, 1e-6, 1e-6] * 2
    assert [values.decode(c.expected) for c in done.gold_cases] == [1, 2.5, [1]] * 2
    with pytest.raises(FlywheelError, match="canonical solution of p gave no value"):
        complete(replace(problem, gold_cases=cases[:1]), [Outcome("timeout", detail="cpu")])


def test_inputs_become_what_json_cannot_say() -> None:
    assert decode_mbpp("Mbpp/2", [[[1, 2], [3]]]) == [[(1, 2), (3,)]]
    assert decode_mbpp("Mbpp/115", [[[[1], []]]]) == [[[{1}, {}]]]
    assert decode_mbpp("Mbpp/124", [["1", "2+3j"]]) == [[1.0, 2 + 3j]]
    assert decode_mbpp("Mbpp/615", [[[[1], [2]]]]) == [[((1,), (2,))]]
    assert decode_mbpp("Mbpp/722", [[{"a": [1, 2]}, 3.0]]) == [[{"a": (1, 2)}, 3.0]]
    assert decode_mbpp("Mbpp/3", [[7]]) == [[7]]


@pytest.mark.parametrize("name", [one.name for one in BUILT_IN])
def test_every_benchmark_loads_or_says_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLYWHEEL_DATA_DIR", raising=False)
    monkeypatch.setattr("tasks.core.hub.hub_reachable", lambda: False)
    if name == "starter":
        assert {problem.split for problem in load_benchmark(name)} == {"dev", "test"}
        return
    monkeypatch.setattr("tasks.benchmarks.humaneval.packaged_file", lambda: None)
    with pytest.raises(FlywheelError, match=r"needs the file .*json.*FLYWHEEL_DATA_DIR.*leave .* out of"):
        load_benchmark(name)


def test_a_missing_or_wrong_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLYWHEEL_DATA_DIR", raising=False)
    with pytest.raises(FlywheelError, match=r"mbpp-plus\.jsonl.*set FLYWHEEL_DATA_DIR"):
        load_mbpp_plus()
    monkeypatch.setenv("FLYWHEEL_DATA_DIR", str(tmp_path))
    with pytest.raises(FlywheelError, match="holds no such file"):
        load_mbpp_plus()
    file = tmp_path / "mbpp-plus.jsonl"
    for content, words in (
        ("", "is empty"),
        ('{"task_id": "Mbpp/2"}\n', "line 1 has no prompt"),
        ("<html>\n", "line 1, is not JSON"),
        ("[1", "is not JSON"),
    ):
        file.write_text(content)
        with pytest.raises(FlywheelError, match=words):
            load_mbpp_plus()
