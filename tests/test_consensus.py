import random

from hypothesis import given
from hypothesis import strategies as st

from tasks.consensus import decide_all, decide_by_consensus, decide_by_paper
from tasks.records import Behaviour, Outcome, Solution
from tasks.settings import AgreementSettings
from tests.factories import PROBLEM, behaviour_of, error, solution, suite

RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = ["def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a * b\n"]
SUITES = [
    suite("s1", "assert add(1, 2) == 3", "assert add(2, 2) == 4"),
    suite("s2", "assert add(5, 1) == 6", "assert add(1, 2) == 4"),
    suite("s3", "assert add(1, 2) == 3", "assert add(0, 0) == 0"),
]
SETTINGS = AgreementSettings(min_votes=3, min_vote_share=0)


def samples(right: int, wrong: int) -> list[Solution]:
    codes = [RIGHT] * right + [WRONG[i % 2] for i in range(wrong)]
    return [solution(f"{index:02d}", code) for index, code in enumerate(codes)]


def behaviours(solutions: list[Solution]) -> list[Behaviour]:
    return [behaviour_of(one, SUITES) for one in solutions]


def decide(solutions: list[Solution], settings: AgreementSettings = SETTINGS):  # type: ignore[no-untyped-def]
    return decide_by_consensus(PROBLEM.problem_id, behaviours(solutions), SUITES, None, settings)


def test_the_largest_agreeing_group_wins_with_its_cases() -> None:
    decision = decide(samples(4, 4))
    assert decision.kept
    assert set(decision.chosen) == {"00", "01", "02", "03"}
    assert sorted(case.source for case in decision.cases) == sorted(
        ["assert add(1, 2) == 3", "assert add(2, 2) == 4", "assert add(5, 1) == 6", "assert add(0, 0) == 0"]
    )
    assert len(decision.rejected) == 4


def test_reasons_name_what_was_missing() -> None:
    assert decide(samples(2, 1)).reason == "too few votes"
    assert decide(samples(4, 0)).reason == "all solutions behave alike: nothing to learn"
    assert decide([]).reason == "no solution that can be judged"
    strict = SETTINGS.model_copy(update={"min_cases": 9})
    assert decide(samples(4, 2), strict).reason == "too few agreed cases"


def test_groups_of_errors_never_win() -> None:
    crashes = [
        Behaviour(f"x{i}", PROBLEM.problem_id, tuple(error("NameError") for _ in range(4)), ())
        for i in range(9)
    ]
    suites = [suite("s", "assert add(1, 2) == 3", "assert add(2, 2) == 4", "assert add(5, 1) == 6",
                    "with pytest.raises(NameError):\n    add(None, 1)")]  # fmt: skip
    decision = decide_by_consensus(PROBLEM.problem_id, crashes, suites, None, SETTINGS)
    assert not decision.kept


def test_flaky_and_faulty_solutions_do_not_vote() -> None:
    rows = behaviours(samples(3, 1))
    fault = Behaviour("f", rows[0].problem_id, tuple(Outcome("fault") for _ in rows[0].calls), ())
    flaky = Behaviour("g", rows[0].problem_id, rows[0].calls, (), flaky=True)
    decision = decide_by_consensus(PROBLEM.problem_id, [*rows, fault, flaky], SUITES, None, SETTINGS)
    assert decision.votes == 3


@given(st.integers(0, 6), st.integers(0, 6), st.randoms(use_true_random=False))
def test_agreement_does_not_depend_on_order(right: int, wrong: int, rng: random.Random) -> None:
    solutions = samples(right, wrong)
    rows, suites = behaviours(solutions), list(SUITES)
    straight = decide_by_consensus(PROBLEM.problem_id, rows, suites, None, SETTINGS)
    rng.shuffle(rows)
    shuffled = decide_by_consensus(PROBLEM.problem_id, rows, suites, None, SETTINGS)
    assert (straight.kept, straight.reason, set(straight.chosen), straight.score) == (
        shuffled.kept, shuffled.reason, set(shuffled.chosen), shuffled.score,
    )  # fmt: skip


def test_the_paper_rule_wants_every_test_passed() -> None:
    rows = behaviours(samples(3, 2))
    assert (
        decide_by_paper(PROBLEM.problem_id, rows, SUITES, None, SETTINGS).reason
        == "no solution passes all tests"
    )
    honest = [SUITES[0], SUITES[2]]
    rows = [behaviour_of(one, honest) for one in samples(3, 2)]
    decision = decide_by_paper(PROBLEM.problem_id, rows, honest, None, SETTINGS)
    assert decision.kept
    assert set(decision.chosen) == {"00", "01", "02"}


def test_gold_is_hidden_from_the_filter() -> None:
    gold = Solution("gold/p/1", PROBLEM.problem_id, RIGHT, origin="gold")
    solutions = [*samples(2, 2), gold]
    gold_suite = suite("gold", "assert add(7, 7) == 14", origin="gold")
    suites = [*SUITES, gold_suite]
    rows = [behaviour_of(one, suites) for one in solutions]
    (decision,) = decide_all([PROBLEM.problem_id], solutions, suites, rows, SETTINGS)
    assert decision.samples == 4
    assert "gold/p/1" not in (*decision.chosen, *decision.rejected)
    assert all("7, 7" not in case.source for case in decision.cases)
