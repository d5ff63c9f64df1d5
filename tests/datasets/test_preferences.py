import random
from dataclasses import replace

from tasks.core.records import Behaviour, Solution, Suite
from tasks.core.rows import Pair, SftRow
from tasks.datasets.kept_problem import load_kept_problems
from tasks.datasets.preferences import Rows, cap_share, kill_counts, rows_of
from tasks.datasets.solver_rows import solver_pairs, solver_sft
from tasks.datasets.verifier_rows import good_suites, recombined_suite, verifier_pairs, verifier_sft
from tasks.execution.problem_data import join_by_problem
from tasks.filtering.decide import decide
from tasks.filtering.votes import problem_votes_of
from tasks.generation import prompts
from tasks.settings.agreement import AgreementSettings
from tasks.settings.preferences import PreferenceSettings
from tests.support.factories import PROBLEM, behaviour_of, error, solution, suite, value
from tests.support.formats import demo_text

CODES = [
    *["def add(a, b):\n    return a + b"] * 3,
    "def add(a, b):\n    total = a + b\n    return total",
    "def add(a, b):\n    return a - b",
    "def add(a, b):\n    return a * b",
    "def add(a, b):\n    raise ValueError(a)",
]
SOLUTIONS = [solution(f"{index}", code) for index, code in enumerate(CODES)]
SUITES = [
    suite("good", "assert add(1, 2) == 3", "assert add(2, 5) == 7"),
    suite("wrong", "assert add(1, 2) == 3", "assert add(2, 2) == 5"),
    suite("idle", "assert add(0, 0) == 0", "assert add(1, 2) == 3"),
    suite("short", "assert add(9, 1) == 10"),
]
SETTINGS = PreferenceSettings()


def rows_in(rows: Rows) -> list[SftRow | Pair]:
    return [*rows.sft, *rows.pairs]


def kept_problem(  # type: ignore[no-untyped-def]
    suites: list[Suite] = SUITES,
    mutants: tuple[Solution, ...] = (),
    solutions: list[Solution] = SOLUTIONS,
):
    behaviours = [behaviour_of(one, suites) for one in solutions]
    return judged(suites, solutions, behaviours, mutants)


def judged(  # type: ignore[no-untyped-def]
    suites: list[Suite],
    solutions: list[Solution],
    behaviours: list[Behaviour],
    mutants: tuple[Solution, ...] = (),
):
    votes = problem_votes_of(PROBLEM.problem_id, behaviours, suites)
    decision = decide(votes, AgreementSettings(min_votes=3, pair_votes=3))
    assert decision.kept
    assert decision.confident
    mutant_behaviours = [behaviour_of(one, suites) for one in mutants]
    (item,) = load_kept_problems(
        join_by_problem([PROBLEM], solutions, suites, behaviours), mutant_behaviours, [decision]
    )
    return item


def rng() -> random.Random:
    return random.Random(5)


def test_solver_rows_are_distinct_winners() -> None:
    rows = solver_sft(kept_problem(), SETTINGS, rng())
    assert len(rows) == 2
    assert len({row.completion for row in rows}) == 2
    assert all("a + b" in row.completion for row in rows)


def test_solver_pairs_reject_code_that_ran_before_code_that_crashed() -> None:
    pairs = solver_pairs(kept_problem(), PreferenceSettings(pairs_per_problem=3), rng())
    assert [pair.reason for pair in pairs] == ["fails agreed cases", "fails agreed cases", "crashes"]
    assert all("a + b" in pair.chosen and "a + b" not in pair.rejected for pair in pairs)


def test_a_winner_meets_a_loser_that_is_no_longer_if_there_is_one() -> None:
    """Of three losers that ran, the two that are no longer than the long winner, though one is nearer."""
    near = solution("near", "def add(a, b):\n    return b * a * 1")
    longer = solution("longer", "def add(a, b):\n    total = a * b\n    return total * 100")
    item = kept_problem(solutions=[*SOLUTIONS[:5], near, longer])
    for seed in range(20):
        pairs = solver_pairs(item, SETTINGS, random.Random(seed))
        assert {pair.sources[1] for pair in pairs} == {"near", "4"}
        assert all(len(pair.chosen) >= len(pair.rejected) for pair in pairs)


def test_winners_take_iterations_and_no_loser_serves_twice() -> None:
    """Both winners are as long as the losers: whichever is drawn first, the other has the second pair."""
    bodies = [*["return a + b"] * 3, "return b + a", "return a - b", "return a * b", "return a % b"]
    made = [solution(str(number), f"def add(a, b):\n    {body}") for number, body in enumerate(bodies)]
    for seed in range(20):
        pairs = solver_pairs(kept_problem(solutions=made), SETTINGS, random.Random(seed))
        assert len({pair.chosen for pair in pairs}) == len({pair.rejected for pair in pairs}) == 2


def test_a_suite_meets_one_that_is_no_longer_if_there_is_one() -> None:
    bulky = suite("bulky", "assert add(1000000, 2000000) == 4", "assert add(3000000, 5) == 6")
    slim = suite("slim", "assert add(1, 2) == 4", "assert add(3, 5) == 6")
    for seed in range(20):
        first, second = verifier_pairs(
            kept_problem([SUITES[0], bulky, slim]), 2, SETTINGS, random.Random(seed)
        )
        assert [first.sources[1], second.sources[1]] == ["slim", "bulky"]


def test_a_failed_check_or_a_value_where_an_exception_is_due_is_no_crash() -> None:
    """A loser that fails an agreed check, or does not raise where it should, ran: suites may reject it."""
    bodies = [*["return a / b"] * 4, "return a // b", "return c"]
    made = [solution(str(i), f"def add(a, b):\n    {body}") for i, body in enumerate(bodies)]
    raising = "with pytest.raises(ZeroDivisionError):\n    add(1, 0)"
    suites = [
        suite("both", raising, "assert add(3, 2) + add(0, 1) == 1.5"),
        suite("more", "assert add(8, 4) == 2.0", "assert add(9, 3) == 3.0"),
    ]
    passed, failed = value(None), error("AssertionError")
    rows = [
        replace(behaviour_of(one, suites), checks=(passed if one.solution_id < "4" else failed,))
        for one in made
    ]
    item = judged(suites, made, rows)
    assert item.targets == ("4",)
    assert [one.suite_id for one in good_suites(item)] == ["both"]
    assert [pair.reason for pair in solver_pairs(item, SETTINGS, rng())] == ["fails agreed cases", "crashes"]


def test_good_suites_hold_and_kill_and_are_more_than_one_case() -> None:
    assert [one.suite_id for one in good_suites(kept_problem())] == ["good", "idle"]


def test_a_suite_that_rejects_nothing_is_not_good() -> None:
    lonely = [suite("idle", "assert add(0, 0) == 0", "assert add(2, 0) == 2"), *SUITES[:2]]
    item = kept_problem(lonely)
    assert item.kills(lonely[0].cases)  # 2 * 0 and 2 + 0 differ
    zeros = suite("zeros", "assert add(0, 0) == 0")
    assert not kept_problem([zeros, *lonely]).kills(zeros.cases)


def test_a_mutant_may_be_what_a_suite_rejects_and_is_named_among_the_sources() -> None:
    suites = [
        suite("mild", "assert add(9, 0) == 9", "assert add(8, 0) == 8", "assert add(7, 0) == 7"),
        suite("wrong", "assert add(1, 2) == 3", "assert add(2, 2) == 5"),
    ]
    solutions = [one for one in SOLUTIONS if "*" not in one.code]
    lone = kept_problem(suites, solutions=solutions)
    assert lone.kills(suites[0].cases) == []
    assert kill_counts([lone])["reject nothing"] == 1
    same = solution("mutant/same", "def add(a, b):\n    return b + a")
    none = solution("mutant/none", "def add(a, b):\n    return a + b if b else None")
    crash = solution("mutant/crash", "def add(a, b):\n    return a + c")
    item = kept_problem(suites, (same, none, crash), solutions)
    assert item.kills(suites[0].cases) == ["mutant/none"]
    assert kill_counts([item])["reject mutants alone"] == 1
    (row,) = verifier_sft(item, 3, PreferenceSettings(recombine=False), rng())
    assert row.sources[-1] == "mutant/none"
    pairs = verifier_pairs(item, 3, SETTINGS, rng())
    assert [pair.reason for pair in pairs] == ["contradicts the consensus"]
    assert pairs[0].sources == ("mild", "wrong", item.decision.chosen[0], "mutant/none")


def test_verifier_pairs_share_the_sampled_prompt_and_size_and_differ_in_truth() -> None:
    item = kept_problem()
    pairs = verifier_pairs(item, 4, SETTINGS, rng())
    assert pairs
    for pair in pairs:
        assert pair.reason == "contradicts the consensus"
        assert "add(2, 2) == 5" in "assert add(" + pair.rejected
        assert pair.chosen.count("\n") == pair.rejected.count("\n")
        assert pair.prompt == demo_text(prompts.verifier_prompt(PROBLEM, 4))
    rows = verifier_sft(item, 4, SETTINGS, rng())
    assert {row.prompt for row in rows} == {demo_text(prompts.verifier_prompt(PROBLEM, 4))}


def test_rows_keep_the_words_of_the_model_also_where_cases_are_recombined() -> None:
    suites = [
        suite("one", "assert add(10**2, 0x1) == 1_01", "assert add(2,2) == 5"),
        suite("two", "x = 1_0\nassert add( x, 5) == 15", "assert add(1, 1) == 3"),
    ]
    item = kept_problem(suites)
    rows = verifier_sft(item, 2, SETTINGS, rng())
    assert rows
    for row in rows:
        assert row.recombined
        lines = ("assert add(" + row.completion).removesuffix("\n```").split("\n")
        assert sorted(lines) == ["assert add(10**2, 0x1) == 1_01", "assert add(1_0, 5) == 15"]


def test_a_row_has_as_many_cases_as_its_prompt_asks_for_if_so_many_were_kept() -> None:
    """Two sampled cases come before an recombined suite that has no more, and after one that has all four."""
    more = suite("more", "assert add(3, 4) == 7", "assert add(4, 6) == 10", "assert add(1, 3) == 9")
    one = PreferenceSettings(sft_per_problem=1)
    for size, recombined in ((4, True), (9, False)):
        (row,) = verifier_sft(kept_problem([*SUITES[:2], more]), size, one, rng())
        assert row.recombined == recombined
        assert row.completion.count(" == ") == (4 if recombined else 2)
    full = suite("full", *(f"assert add({n}, 5) == {n + 5}" for n in range(4)))
    (row,) = verifier_sft(kept_problem([SUITES[0], full]), 4, one, rng())
    assert row.sources[0] == "full"


def test_the_fuller_of_two_bad_suites_is_the_partner_of_a_full_one() -> None:
    full = suite("full", *(f"assert add({n}, 2) == {n + 2}" for n in range(1, 5)))
    short = suite("short", "assert add(1, 2) == 4", "assert add(2, 5) == 8")
    wrong = suite("wrong", *(f"assert add({n}, 20000) == {n}" for n in range(1, 5)))
    for seed in range(5):
        first, *_ = verifier_pairs(kept_problem([full, short, wrong]), 4, SETTINGS, random.Random(seed))
        assert first.sources[:2] == ("full", "wrong")


def test_what_does_not_continue_its_prompt_is_in_no_row_and_says_so() -> None:
    """A program that begins with an import is no completion of `def add(a, b):`; nor is `assert 3 == ..`."""
    other = solution("other", "import math\n\ndef add(a, b):\n    return b + a")
    loser = solution("loser", "X = 1\n\ndef add(a, b):\n    return a * b * X")
    backwards = suite("backwards", "assert 3 == add(1, 2)", "assert 7 == add(2, 5)")
    rows = rows_of([kept_problem([*SUITES, backwards], solutions=[*SOLUTIONS, other, loser])], 2, SETTINGS, 0)
    told = {(row.kind, row.record_id): row.reason for row in rows.dropped}
    assert told["solution", "other"] == told["solution", "loser"] == "other_signature"
    assert told["suite", "backwards"] == "other_target"
    used = {source for row in rows_in(rows) for source in row.sources}
    assert not used & {"other", "loser", "backwards"}
    assert {row.role for row in rows.sft} == {"solver", "verifier"}


def test_a_good_suite_without_a_partner_leaves_its_pairs_to_the_others() -> None:
    """Cut to two cases, as many as the bad suites have, "late" rejects nothing."""
    late = suite("late", "assert add(0, 0) == 0", "assert add(0.0, 0) == 0.0", "assert add(1, 2) == 3")
    worse = suite("worse", "assert add(1, 2) == 3", "assert add(2, 3) == 4")
    item = kept_problem([SUITES[0], SUITES[1], late, worse])
    assert {one.suite_id for one in good_suites(item)} == {"good", "late"}
    pairs = verifier_pairs(item, 3, SETTINGS, rng())
    assert [pair.sources[0] for pair in pairs] == ["good", "good"]
    assert {pair.sources[1] for pair in pairs} == {"wrong", "worse"}


def test_recombined_suites_prefer_distinct_expected_values_and_are_marked() -> None:
    item = kept_problem([SUITES[1], suite("x", "assert add(3, 3) == 6"), suite("y", "assert add(4, 2) == 6")])
    picked = recombined_suite(item, 2, rng())
    assert picked is not None
    assert len({case.expected for case in picked.cases}) == 2
    rows = verifier_sft(item, 2, SETTINGS, rng())
    assert rows
    assert all(row.recombined for row in rows)
    assert verifier_sft(item, 2, PreferenceSettings(recombine=False), rng()) == []


def test_caps_keep_the_share() -> None:
    def pair(index: int, reason: str) -> Pair:
        return Pair(str(index), "solver", "p", "", "", "", reason, score=float(index))

    pairs = [pair(i, "crashes") for i in range(10)] + [pair(i + 10, "fails agreed cases") for i in range(6)]
    kept, dropped = cap_share(pairs, "crashes", 0.25)
    crashes = [one for one in kept if one.reason == "crashes"]
    assert len(crashes) == 2
    assert len(crashes) <= 0.25 * len(kept)
    assert {one.row_id for one in crashes} == {"9", "8"}
    assert len(dropped) == 8


def test_whatever_is_in_no_row_says_why() -> None:
    rows = rows_of([kept_problem()], 2, SETTINGS, 0)
    used = {source for row in rows_in(rows) for source in row.sources}
    told = {row.record_id for row in rows.dropped}
    # Four programs won, of two texts; "idle" holds, and rejects less than "good" does.
    assert {"0", "1", "2", "3"} <= used | told
    assert {"good", "idle"} <= used | told
    assert not used & told
    unsure = kept_problem()
    unsure = replace(unsure, decision=replace(unsure.decision, confident=False))
    reasons = [row.reason for row in rows_of([unsure], 2, SETTINGS, 0).dropped if row.kind == "problem"]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "no pair of the solver", "no pair of the verifier"
    ]  # fmt: skip
