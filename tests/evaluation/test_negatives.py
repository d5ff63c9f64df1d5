"""The pool of known-wrong solutions: who is in, in which order, and that it is the same for every model."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tasks.benchmarks.starter import load_starter
from tasks.core.records import Behaviour, Outcome, Solution
from tasks.evaluation.candidates import candidates_of
from tasks.evaluation.negatives import Wrong, known_wrong, pool_of
from tasks.execution.problem_data import ProblemData
from tasks.mutation.mutate import mutants
from tests.support.factories import PROBLEM, behaviour_of, error, solution, suite

GOLD_SUITE = suite("gold", "assert add(1, 2) == 3", "assert add(2, 2) == 4", origin="gold")
OTHER = suite("other", "assert add(7, 7) == 14")


def test_known_wrong_is_what_fails_gold_steadily_and_returns_values() -> None:
    right = solution("right", "def add(a, b):\n    return b + a")
    wrong = solution("wrong", "def add(a, b):\n    return a * b")
    crash = solution("crash", "def add(a, b):\n    return c")
    gold = replace(solution("gold", "def add(a, b):\n    return 0"), origin="gold")
    slow, flaky = (solution(name, wrong.code) for name in ("slow", "flaky"))
    suites = [OTHER, GOLD_SUITE]
    rows = {one.solution_id: behaviour_of(one, suites) for one in (right, wrong, crash, gold, slow, flaky)}
    rows["slow"] = replace(rows["slow"], calls=(*rows["slow"].calls[:-1], Outcome("timeout")))
    rows["flaky"] = replace(rows["flaky"], flaky=True)
    everyone = [right, wrong, crash, gold, slow, flaky, solution("never run", "def add(a, b):\n    return 9")]
    found = known_wrong(ProblemData(PROBLEM, everyone, suites, list(rows.values())))
    assert [item.solution.solution_id for item in found] == ["wrong"]
    assert len(found[0].did) == len(GOLD_SUITE.cases)
    assert known_wrong(ProblemData(PROBLEM, everyone, [OTHER], [behaviour_of(wrong, [OTHER])])) == []


def test_gold_that_is_one_check_shows_who_is_wrong_too() -> None:
    """HumanEval's whole test is one check."""
    gold = suite("gold", "assert add(1, 2) == add(2, 1) == 3", origin="gold")
    wrong, crash = (
        solution("wrong", "def add(a, b):\n    return a"),
        solution("crash", "def add(a, b):\n    c"),
    )
    rows = [
        Behaviour("wrong", "p/1", (), (error("AssertionError"),)),
        Behaviour("crash", "p/1", (), (error("NameError"),)),
    ]
    found = known_wrong(ProblemData(PROBLEM, [wrong, crash], [gold], rows))
    assert [item.solution.solution_id for item in found] == ["wrong"]


def wrongs(origin: str, *items: tuple[str, str]) -> list[Wrong]:
    return [
        Wrong(Solution(f"{origin}{i}", "p", code, f"sample{i}" if origin == "sample" else "", origin), (did,))  # type: ignore[arg-type]
        for i, (code, did) in enumerate(items)
    ]


def test_the_pool_takes_shipped_ones_then_mutants_and_samples_in_turn_new_behaviours_first() -> None:
    candidates = [
        *wrongs("mutant", ("m0", "a"), ("m1", "b"), ("m2", "c")),
        *wrongs("wrong", ("w0", "a"), ("w1", "d")),
    ]
    samples = wrongs("sample", ("s0", "e"), ("m1", "b"), ("s2", "d"))
    pool = pool_of(candidates, samples, 20)
    assert [solution.code for solution in pool] == ["w0", "w1", "s0", "m1", "m2", "m0", "s2"]
    assert {solution.origin for solution in pool} == {"wrong", "mutant"}
    assert pool_of(candidates, samples, 3) == pool[:3]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyz")), max_size=12), st.integers(0, 8))
def test_the_pool_is_capped_and_distinct(items: list[tuple[str, str]], count: int) -> None:
    pool = pool_of(wrongs("mutant", *items[::2]), wrongs("sample", *items[1::2]), count)
    assert len(pool) == min(count, len({code for code, _ in items}))
    assert len({solution.code for solution in pool}) == len(pool)


def test_short_gold_solutions_get_mutants_of_mutants() -> None:
    problem = min(load_starter(), key=lambda p: len(mutants(p.gold_solution, 20, 0)))
    found = candidates_of(problem, 40, 0)
    assert found == candidates_of(problem, 40, 0)
    assert [one.origin for one in found[:3]] == ["wrong"] * 3
    assert 6 < len(found) <= 43
    assert len({one.solution_id for one in found}) == len({one.code for one in found}) == len(found)
    parents = {one.parent for one in found[3:]}
    assert f"gold/{problem.problem_id}" in parents
    assert len(parents) > 1
