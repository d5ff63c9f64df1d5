"""Scores of one problem, counted by hand, and what must hold for any."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.records import Behaviour, Outcome, Sample, Solution, Suite
from tasks.core.rows import ProblemScore
from tasks.evaluation.metrics import metrics
from tasks.evaluation.scoring import chosen_right, score_problem
from tasks.execution.problem_data import ProblemData
from tests.support.factories import PROBLEM, behaviour_of, solution, suite

GOLD = replace(solution("gold/p/1", "def add(a, b):\n    return a + b"), origin="gold")
GOLD_ASSERTS = ("assert add(1, 2) == 3", "assert add(2, 2) == 4", "assert add(0, 5) == 5")
GOLD_SUITE = suite("gold", *GOLD_ASSERTS, origin="gold")
RIGHT = "def add(a, b):\n    return b + a"
WRONG = [
    "def add(a, b):\n    return a - b",
    "def add(a, b):\n    return a * b",
    "def add(a, b):\n    return a",
    "def add(a, b):\n    return b",
    "def add(a, b):\n    return a + b + 1",
]
POOL = [
    Solution("w/0", "p/1", WRONG[0], origin="mutant", parent="gold/p/1"),
    Solution("w/1", "p/1", WRONG[1], origin="mutant", parent="gold/p/1"),
    *(Solution(f"w/{i}", "p/1", WRONG[i], origin="wrong") for i in (2, 3, 4)),
]


def samples(solvers: int, verifiers: int) -> list[Sample]:
    roles = ["solver"] * solvers + ["verifier"] * verifiers
    return [Sample(f"{i}", "p/1", role, i, "", "", "", 0, 0) for i, role in enumerate(roles)]  # type: ignore[arg-type]


def scored(
    codes: list[str], suites: list[Suite], solvers: int, verifiers: int, pool: list[Solution] = POOL
) -> ProblemScore:
    everything = [*suites, GOLD_SUITE]
    solutions = [GOLD, *(solution(f"s{i}", code) for i, code in enumerate(codes))]
    rows = [behaviour_of(one, everything) for one in solutions]
    data = ProblemData(PROBLEM, solutions, everything, rows, samples(solvers, verifiers))
    return score_problem(
        data, ProblemData(PROBLEM, pool, behaviours=[behaviour_of(one, everything) for one in pool])
    )


def test_counts_by_hand() -> None:
    suites = [
        # Kills a - b, a * b, a, b and a + b + 1: sound and strong.
        suite("strong", "assert add(1, 2) == 3", "assert add(4, 2) == 6"),
        # True of gold, and of a - b and of a too: rejects a * b, b and a + b + 1 (3 of 5).
        suite("weak", "assert add(3, 0) == 3"),
        # Rejects gold and all but a * b.
        suite("wrong", "assert add(3, 4) == 12"),
        # Boolean, not true of gold, but of the negative a: 1 == True.
        suite("truth", "assert add(1, 2) == True", "assert add(1, 2) == True"),
    ]
    row = scored([RIGHT, WRONG[0], RIGHT], suites, solvers=4, verifiers=5)
    assert (row.solutions, row.solutions_correct, row.solutions_distinct) == (4, 2, 2)
    assert (row.suites, row.suites_parsed, row.suites_sound, row.suites_strong) == (5, 4, 2, 1)
    assert (row.cases, row.cases_correct) == (5, 3)
    assert (row.cases_distinct, row.cases_distinct_correct) == (5, 3)
    assert (row.cases_non_boolean, row.cases_non_boolean_correct) == (4, 3)
    assert (row.negatives, row.rejections, row.rejected) == (5, 20, 5 + 3 + 4 + 4)
    assert (row.mutant_trials, row.mutants_killed) == (4, 2 + 1)
    assert row.best_of_n == 1.0


def test_repeated_cases_count_once_among_distinct_ones() -> None:
    same = [suite(f"s{i}", "assert add(1, 2) == 3", "assert add(3, 3) == 7") for i in range(3)]
    row = scored([RIGHT], same, 1, 3)
    assert (row.cases, row.cases_correct, row.cases_distinct, row.cases_distinct_correct) == (6, 3, 2, 1)


def test_a_suite_that_rejects_everything_has_no_false_positives_and_no_true_ones() -> None:
    row = scored([RIGHT], [suite("no", "assert add(1, 2) == 99")], 1, 1)
    figures = {name: of(row) for name, of in metrics([1]).items()}
    assert (figures["false acceptance rate"], figures["suite soundness"]) == (0.0, 0.0)
    assert figures["strong-suite rate"] == 0.0
    assert figures["mutation score"] is None


def test_a_negative_that_never_ran_or_is_flaky_is_not_rejected() -> None:
    suites = [suite("strong", "assert add(1, 2) == 3", "assert add(4, 2) == 6"), GOLD_SUITE]
    rows = [replace(behaviour_of(one, suites), flaky=True) for one in POOL[:2]]
    data = ProblemData(PROBLEM, [GOLD], suites, [behaviour_of(GOLD, suites)], samples(0, 1))
    row = score_problem(data, ProblemData(PROBLEM, POOL, behaviours=rows))
    assert (row.rejections, row.rejected, row.suites_sound, row.suites_strong) == (0, 0, 1, 0)


def test_a_suite_that_tests_nothing_accepts_neither_gold_nor_a_negative() -> None:
    suites = [suite("idle", "assert add(1, 2) or True"), GOLD_SUITE]
    null = Behaviour(f"null/{PROBLEM.problem_id}", PROBLEM.problem_id, (), (Outcome("value"),))
    rows = [replace(behaviour_of(one, suites), checks=(Outcome("value"),)) for one in [GOLD, *POOL]]
    data = ProblemData(PROBLEM, [GOLD], suites, [*rows[:1], null], samples(0, 1))
    row = score_problem(data, ProblemData(PROBLEM, POOL, behaviours=rows[1:]))
    figures = {name: of(row) for name, of in metrics([1]).items()}
    assert (figures["suite soundness"], figures["false acceptance rate"]) == (0.0, 0.0)


def test_the_choice_among_n_is_blind_without_own_tests() -> None:
    row = scored([RIGHT, WRONG[0]], [], solvers=4, verifiers=3)
    assert row.best_of_n == row.solutions_correct / row.solutions == 1 / 4
    assert chosen_right({"a": 2, "b": 2, "c": 1}, {"b", "c"}, 8) == 1 / 2
    assert chosen_right({"a": 0}, {"a"}, 4) == 1 / 4
    assert chosen_right({}, set(), 0) == 0.0


CASES = [f"assert add({a}, {b}) == {v}" for a, b in ((1, 2), (3, 0), (2, 2)) for v in (a + b, a * b, "True")]


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([RIGHT, *WRONG]), max_size=5),
    st.lists(st.lists(st.sampled_from(CASES), min_size=1, max_size=4), max_size=4),
    st.integers(0, 2),
    st.integers(0, 2),
)
def test_every_figure_is_a_share_and_bounded_by_what_it_is_a_part_of(
    codes: list[str], tests: list[list[str]], lost_solutions: int, lost_suites: int
) -> None:
    suites = [suite(f"s{i}", *asserts) for i, asserts in enumerate(tests)]
    row = scored(codes, suites, len(codes) + lost_solutions, len(suites) + lost_suites)
    assert row.suites_strong <= row.suites_sound <= row.suites_parsed <= row.suites
    assert row.cases_distinct_correct <= row.cases_distinct <= row.cases
    assert row.cases_non_boolean <= row.cases_distinct
    assert row.rejected <= row.rejections
    for name, of in metrics([1]).items():
        value = of(row)
        if value is not None and name not in ("distinct solutions", "best-of-n gain"):
            assert 0 <= value <= 1, name
    assert row.best_of_n == 0 or row.solutions_correct > 0
    if row.solutions_correct == row.solutions > 0:
        assert row.best_of_n == 1


@given(st.permutations(range(5)))
def test_the_order_of_the_pool_changes_nothing(order: list[int]) -> None:
    suites = [suite("weak", "assert add(3, 0) == 3")]
    assert scored([RIGHT], suites, 1, 1, [POOL[i] for i in order]) == scored([RIGHT], suites, 1, 1)


def test_behaviours_of_an_empty_pool_are_not_needed() -> None:
    row = scored([RIGHT], [suite("weak", "assert add(3, 0) == 3")], 1, 1, [])
    assert (row.negatives, row.suites_strong, row.rejections) == (0, 0, 0)
    assert isinstance(behaviour_of(GOLD, [GOLD_SUITE]), Behaviour)
