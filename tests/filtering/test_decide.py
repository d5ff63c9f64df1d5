import random
from collections import deque
from dataclasses import replace
from itertools import pairwise
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from sandbox_image.outcomes import BY_CANDIDATE
from tasks.core import values
from tasks.core.records import CONDITION, TRUTH, Behaviour, Call, Case, Outcome, Solution, Suite
from tasks.core.rows import Decision
from tasks.execution.problem_data import join_by_problem
from tasks.execution.verdicts import judge, key_passes, outcome_key, plan_calls, wanted_key
from tasks.filtering.decide import decide, decide_all, disputed
from tasks.filtering.rules.consensus import SILENT
from tasks.filtering.votes import FAULTY, FLAKY, problem_votes_of, ranked_groups
from tasks.settings.agreement import AgreementSettings
from tests.support.factories import PROBLEM, behaviour_of, error, solution, suite, value

RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = ["def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a * b\n"]
SUITES = [
    suite("s1", "assert add(1, 2) == 3", "assert add(2, 2) == 4"),
    suite("s2", "assert add(5, 1) == 6", "assert add(1, 2) == 4"),
    suite("s3", "assert add(1, 2) == 3", "assert add(0, 0) == 0"),
]
SETTINGS = AgreementSettings(min_votes=3, min_vote_share=0)
PAPER = AgreementSettings(rule="paper")


def samples(right: int, wrong: int) -> list[Solution]:
    codes = [RIGHT] * right + [WRONG[i % 2] for i in range(wrong)]
    return [solution(f"{index:02d}", code) for index, code in enumerate(codes)]


def behaviours(solutions: list[Solution], suites: list[Suite] = SUITES) -> list[Behaviour]:
    return [behaviour_of(one, suites) for one in solutions]


def decided(
    rows: list[Behaviour], settings: AgreementSettings = SETTINGS, suites: list[Suite] = SUITES
) -> Decision:
    return decide(problem_votes_of(PROBLEM.problem_id, rows, suites), settings)


def test_the_largest_agreeing_group_wins_with_its_cases() -> None:
    decision = decided(behaviours(samples(4, 4)))
    assert decision.kept
    assert set(decision.chosen) == {"00", "01", "02", "03"}
    assert sorted(case.source for case in decision.cases) == sorted(
        ["assert add(1, 2) == 3", "assert add(2, 2) == 4", "assert add(5, 1) == 6", "assert add(0, 0) == 0"]
    )
    assert len(decision.rejected) == 4


def test_reasons_name_what_was_missing() -> None:
    assert decided(behaviours(samples(2, 1))).reason == "too few votes"
    assert decided(behaviours(samples(4, 0))).reason == "all solutions behave alike: nothing to learn"
    assert decided([]).reason == "no solution that can be judged"
    assert decided(behaviours(samples(3, 1), []), suites=[]).reason == "no case that tests anything"
    strict = SETTINGS.model_copy(update={"min_cases": 9})
    assert decided(behaviours(samples(4, 2)), strict).reason == "too few agreed cases"
    decision = decided(behaviours(samples(4, 2)))
    share = decision.score / 5
    for least, reason in ((share, ""), (share + 0.01, "too low a score")):
        above = SETTINGS.model_copy(update={"min_score_share": least})
        assert decided(behaviours(samples(4, 2)), above).reason == reason


@given(st.integers(0, 6), st.integers(0, 6), st.floats(0, 1))
def test_the_winner_needs_its_share_of_the_reference_solutions(
    agreeing: int, others: int, share: float
) -> None:
    rows = behaviours([*samples(6, 8)])
    names = [row.solution_id for row in rows]
    reference_solutions = [*names[:agreeing], *names[6 : 6 + others], "did not run"]
    settings = SETTINGS.model_copy(update={"min_reference_share": share})
    votes = problem_votes_of(PROBLEM.problem_id, rows, SUITES, reference_solutions=reference_solutions)
    decision = decide(votes, settings)
    enough = agreeing >= max(1, share * (agreeing + others))
    assert decision.kept == enough
    assert decision.reason == (
        "" if enough else "the base model does otherwise" if agreeing + others else SILENT
    )
    assert decision.reference_agreeing == agreeing
    assert decide(replace(votes, reference_solutions=None), settings).kept


def test_reference_solutions_are_told_by_their_solutions() -> None:
    drawn = samples(6, 2)
    doubting = [replace(one, of_reference=one.code != RIGHT) for one in drawn]
    for solutions, kept in ((drawn, True), (doubting, False)):
        rows = [behaviour_of(one, SUITES) for one in solutions]
        (decision,) = decide_all(join_by_problem([PROBLEM], solutions, SUITES, rows), SETTINGS, not kept)
        assert decision.kept is kept
    # The reference model was asked, and wrote nothing that could be read.
    rows = behaviours(drawn)
    (decision,) = decide_all(join_by_problem([PROBLEM], drawn, SUITES, rows), SETTINGS, with_reference=True)
    assert decision.reason == SILENT


def test_groups_of_errors_never_win() -> None:
    crashes = [
        Behaviour(f"x{i}", PROBLEM.problem_id, tuple(error("NameError") for _ in range(4)), ())
        for i in range(9)
    ]
    suites = [suite("s", "assert add(1, 2) == 3", "assert add(2, 2) == 4", "assert add(5, 1) == 6",
                    "with pytest.raises(NameError):\n    add(None, 1)")]  # fmt: skip
    assert decided(crashes, suites=suites).reason == "every solution fails on every call"


def test_flaky_and_faulty_solutions_do_not_vote() -> None:
    rows = behaviours(samples(3, 1))
    fault = Behaviour("f", rows[0].problem_id, tuple(Outcome("fault") for _ in rows[0].calls), ())
    flaky = replace(rows[0], solution_id="g", flaky=True)
    votes = problem_votes_of(PROBLEM.problem_id, [*rows, fault, flaky], SUITES)
    assert votes.set_aside == {"f": FAULTY, "g": FLAKY}
    decision = decide(votes, SETTINGS)
    assert (decision.votes, decision.samples) == (3, 6)


PLAIN = st.sampled_from(
    [0, 1, True, 1.0, float("nan"), "1", None, [1, 2], (1, 2), {1: 2}, {"a": float("nan")}]
)
EMPTY = st.sampled_from([[], (), {}, set(), frozenset(), "", b"", 0.0, -0.0, 0j, range(3, 3), [[]], deque()])
OUTCOMES = st.one_of(
    PLAIN.map(value),
    EMPTY.map(value),
    st.sampled_from(["TypeError", "ValueError"]).map(error),
    st.sampled_from([Outcome("timeout"), Outcome("value", '{"o":"range"}'), Outcome("value", "nonsense")]),
)
CALLED = st.builds(
    lambda name, number, wanted: Case(
        repr((name, number, wanted)),
        Call(name, values.encode([[number], {}])),
        expected="" if isinstance(wanted, str) and wanted.endswith("Error") else values.encode(wanted),
        raises=wanted if isinstance(wanted, str) and wanted.endswith("Error") else "",
    ),
    st.sampled_from(["f", "\u03c6"]),
    st.integers(0, 5),
    PLAIN | st.sampled_from(["TypeError", "Exception"]),
)
BARE = st.builds(
    lambda number, wanted: Case(
        repr((number, wanted)),
        Call("f", values.encode([[number], {}])),
        expected=values.encode(wanted),
        rule=TRUTH,
    ),
    st.integers(0, 5),
    st.booleans(),
)
CONDITIONED = st.builds(
    lambda number, text: Case(
        repr((number, text)),
        Call("f", values.encode([[number], {}])),
        expected=values.encode(text),
        rule=CONDITION,
    ),
    st.integers(0, 5),
    st.sampled_from(["abs(_ - 1) < 0.5", "isinstance(_, bool)", "_ in (1, None)", "len(_) == 2"]),
)
CHECKED = st.integers(0, 3).map(lambda number: Case(str(number), check=f"assert f({number}) > 0"))
CASES = CALLED | BARE | CONDITIONED | CHECKED


@given(OUTCOMES, CALLED | BARE)
def test_a_ballot_and_the_judge_say_the_same(outcome: Outcome, case: Case) -> None:
    assert key_passes(outcome_key(outcome), wanted_key(case)) == (judge(outcome, case) == "pass")


@st.composite
def elections(draw: st.DrawFn) -> tuple[list[Behaviour], list[Suite]]:
    cases = st.lists(CASES, min_size=1, max_size=4)
    suites = [Suite(f"s{i}", "p", tuple(draw(cases))) for i in range(draw(st.integers(1, 4)))]
    plan = plan_calls(suites)
    checked = st.sampled_from([Outcome("value"), error("AssertionError")])
    kind = st.tuples(st.tuples(*[OUTCOMES] * len(plan.calls)), st.tuples(*[checked] * len(plan.checks)))
    kinds = draw(st.lists(kind, min_size=1, max_size=3))
    drawn = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=7))
    return [Behaviour(f"b{i}", "p", calls, checks) for i, (calls, checks) in enumerate(drawn)], suites


@given(elections())
def test_groups_are_what_the_plain_definition_says(election: tuple[list[Behaviour], list[Suite]]) -> None:
    rows, suites = election
    plan = plan_calls(suites)
    calls = sorted(plan.calls, key=lambda call: (call.function, call.arguments))
    cases = {(c.call or c.check, wanted_key(c) if c.call else ""): c for s in suites for c in s.cases}
    ruled = [pair for pair in cases if cases[pair].rule == CONDITION]
    ruled.sort(key=lambda pair: (calls.index(cast(Call, pair[0])), pair[1]))
    places: list[Call | str] = [*calls, *sorted(plan.checks)]
    ordered = sorted(
        [pair for pair in cases if pair not in ruled], key=lambda pair: (places.index(pair[0]), pair[1])
    )
    ordered += ruled
    members: dict[tuple[str, ...], list[str]] = {}
    passed: dict[tuple[str, ...], tuple[int, ...]] = {}
    for row in rows:
        outcomes = [
            row.calls[plan.call_index[place]]
            if isinstance(place, Call)
            else row.checks[plan.check_index[place]]
            for place in places
        ]
        vector = tuple(
            "?passed" if isinstance(place, str) and outcome.kind == "value" else outcome_key(outcome)
            for place, outcome in zip(places, outcomes, strict=True)
        ) + tuple(
            "?passed" if judge(plan.outcome(row, cases[pair]), cases[pair]) == "pass" else "?unmet"
            for pair in ruled
        )
        members.setdefault(vector, []).append(row.solution_id)
        first: dict[tuple[object, object], int] = {}
        for index, pair in enumerate(ordered):
            if judge(plan.outcome(row, cases[pair]), cases[pair]) == "pass":
                of_call = cases[pair].rule if cases[pair].rule != CONDITION else pair
                first.setdefault((pair[0], of_call), index)
        passed[vector] = tuple(first.values())
    groups = ranked_groups(problem_votes_of("p", rows, suites))
    assert {group.vector: list(group.members) for group in groups} == members
    assert {group.vector: group.satisfied for group in groups} == passed
    for group in groups:
        plain = {key for key in group.vector if not key.startswith(("!", "?")) and '{"o":' not in key}
        opaque = any('{"o":' in key for key in group.vector)
        assert group.outputs == len(plain)
        assert group.votes == (1 if opaque else len(group.members))


def moved(rows: list[Behaviour], suites: list[Suite], order: list[Suite]) -> list[Behaviour]:
    """The same behaviours over the calls and checks of the same suites in another order."""
    before, after = plan_calls(suites), plan_calls(order)
    calls = [before.call_index[call] for call in after.calls]
    checks = [before.check_index[check] for check in after.checks]
    return [
        replace(row, calls=tuple(row.calls[i] for i in calls), checks=tuple(row.checks[i] for i in checks))
        for row in rows
    ]


@given(elections(), st.randoms(use_true_random=False), st.sampled_from(["consensus", "paper"]))
def test_nothing_depends_on_order_or_names(
    election: tuple[list[Behaviour], list[Suite]], rng: random.Random, rule: str
) -> None:
    rows, suites = election
    settings = AgreementSettings(rule=rule, min_votes=2, min_vote_share=0, min_cases=1)
    straight = decide(problem_votes_of("p", rows, suites), settings)

    order = [replace(one, cases=tuple(rng.sample(one.cases, len(one.cases)))) for one in suites]
    rng.shuffle(order)
    shuffled = moved(rows, suites, order)
    rng.shuffle(shuffled)
    new_name = dict(zip([row.solution_id for row in rows], rng.sample("zyxwvut", len(rows)), strict=True))
    renamed = [replace(row, solution_id=new_name[row.solution_id]) for row in shuffled]
    other = decide(
        problem_votes_of("p", renamed, [replace(s, suite_id=f"z{i}") for i, s in enumerate(order)]), settings
    )

    def essence(decision: Decision, names: dict[str, str]) -> tuple[object, ...]:
        return (
            decision.kept, decision.reason, decision.votes, decision.score, decision.margin,
            {names[i] for i in decision.chosen}, {names[i] for i in decision.rejected},
            [(case.call, case.check, wanted_key(case)) for case in decision.cases],
        )  # fmt: skip

    assert essence(straight, new_name) == essence(other, {name: name for name in new_name.values()})


@given(elections())
def test_groups_partition_the_samples_and_satisfy_one_expected_value_a_call(
    election: tuple[list[Behaviour], list[Suite]],
) -> None:
    rows, suites = election
    votes = problem_votes_of("p", rows, suites)
    groups = ranked_groups(votes)
    assert sorted(i for group in groups for i in group.members) == [row.solution_id for row in rows]
    plan = plan_calls(suites)
    of = {row.solution_id: row for row in rows}
    for group in groups:
        cases = [votes.cases[index] for index in group.satisfied]
        calls = [
            (case.call or case.check, wanted_key(case) if case.rule == CONDITION else case.rule)
            for case in cases
        ]
        assert len(calls) == len(set(calls))
        for index, case in enumerate(votes.cases):
            passes = judge(plan.outcome(of[group.members[0]], case), case) == "pass"
            assert passes == (index in group.satisfied)
    assert all(better.score >= worse.score for better, worse in pairwise(groups))


@given(st.integers(1, 6), st.integers(0, 6))
def test_identical_samples_are_votes(right: int, wrong: int) -> None:
    rows = behaviours(samples(right, wrong))
    (first,) = [g for g in ranked_groups(problem_votes_of("p", rows, SUITES)) if "00" in g.members]
    assert len(first.members) == right


def test_nan_agrees_with_nan_and_satisfies_nothing() -> None:
    call = Call("f", values.encode([[1], {}]))
    nan = values.encode([float("nan")])
    rows = [Behaviour(f"b{i}", "p", (Outcome("value", nan),), ()) for i in range(3)]
    (group,) = ranked_groups(problem_votes_of("p", rows, [Suite("s", "p", (Case("", call, nan),))]))
    assert len(group.members) == 3
    assert group.satisfied == ()


def test_a_check_that_the_null_candidate_passes_is_no_case() -> None:
    suites = [Suite("s", "p", (Case("a", check="assert f or True"), Case("b", check="assert f(1) > 0")))]
    passed, failed = Outcome("value"), error("AssertionError")
    rows = [Behaviour("b", "p", (), (passed, passed)), Behaviour("c", "p", (), (passed, failed))]
    votes = problem_votes_of("p", rows, suites, Behaviour("null/p", "p", (), (passed, failed)))
    assert [case.source for case in votes.cases] == ["b"]
    assert [group.satisfied for group in ranked_groups(votes)] == [(0,), ()]


def test_checks_that_pass_by_the_own_word_of_a_solution_vote_where_the_settings_let_them() -> None:
    suites = [Suite("s", "p", (Case("a", check="assert f(1) == f(1)"), Case("b", check="assert f(1) > 0")))]
    passed, word, failed = Outcome("value"), Outcome("value", detail=BY_CANDIDATE), error("AssertionError")
    rows = [Behaviour("b", "p", (), (word, passed)), Behaviour("c", "p", (), (passed, failed))]
    null = Behaviour("null/p", "p", (), (failed, failed))
    assert [case.source for case in problem_votes_of("p", rows, suites, null).cases] == ["b"]
    votes = problem_votes_of("p", rows, suites, null, own_word=True)
    assert [case.source for case in votes.cases] == ["a", "b"]
    assert [group.satisfied for group in ranked_groups(votes)] == [(0, 1), (0,)]
    assert not AgreementSettings().own_word_votes


def test_a_check_that_passed_is_no_value_that_the_winners_return() -> None:
    """`assert f(x) or f(y)` must not get programs through that always return True."""
    always, never = (solution(name, f"def add(a, b):\n    return {name}") for name in ("True", "None"))
    suites = [
        suite("s", "assert add(1, 2) == True", "assert add(2, 2) == True", "assert add(3, 1) or add(1, 3)")
    ]
    rows = [
        replace(behaviour_of(one, suites), solution_id=f"{one.solution_id}{i}", checks=(check,))
        for one, count, check in ((always, 9, value(None)), (never, 1, error("AssertionError")))
        for i in range(count)
    ]
    votes = problem_votes_of("p/1", rows, suites)
    assert ranked_groups(votes)[0].outputs == 1
    assert decide(votes, AgreementSettings()).reason == "the winners return one value only"


def test_programs_that_return_iterators_do_not_agree_with_each_other() -> None:
    opaque = Outcome("value", '{"o":"map"}')
    calls = [Call("f", values.encode([[n], {}])) for n in range(3)]
    suites = [Suite("s", "p", tuple(Case("", call, values.encode([n])) for n, call in enumerate(calls)))]
    lazy = [Behaviour(f"l{i}", "p", (value([0]), value([7]), opaque), ()) for i in range(7)]
    right = [Behaviour(f"r{i}", "p", (value([0]), value([1]), value([2])), ()) for i in range(3)]
    votes = problem_votes_of("p", [*lazy, *right], suites)
    first, *others = ranked_groups(votes)
    assert set(first.members) == {"r0", "r1", "r2"}
    assert [(len(group.members), group.votes, group.outputs, group.score) for group in others] == [
        (7, 1, 2, 0)
    ]
    # The same letters in a text are a text.
    quoted = [Behaviour(f"q{i}", "p", (value('{"o":'),) * 3, ()) for i in range(4)]
    assert len(ranked_groups(problem_votes_of("p", quoted, suites))[0].members) == 4


def test_single_votes_oppose_each_other() -> None:
    loose = SETTINGS.model_copy(update={"min_votes": 1, "min_score_share": 0, "min_cases": 1})
    decision = decided(behaviours(samples(1, 2)), loose)
    assert (decision.votes, decision.margin) == (1, 1.0)
    assert decision.reason == "no margin over the runner-up"


def test_the_paper_rule_knows_that_one_exception_may_satisfy_two_cases() -> None:
    suites = [
        suite(
            "s",
            "with pytest.raises(ZeroDivisionError):\n    add(1, 0)",
            "with pytest.raises(ArithmeticError):\n    add(1, 0)",
        )
    ]
    raised = Outcome("exception", exception="ZeroDivisionError", bases=("ArithmeticError", "Exception"))
    assert decided([Behaviour("b", PROBLEM.problem_id, (raised,), ())], PAPER, suites).kept
    assert not decided([Behaviour("b", PROBLEM.problem_id, (error("ValueError"),), ())], PAPER, suites).kept


def test_the_paper_rule_wants_every_test_passed() -> None:
    assert decided(behaviours(samples(3, 2)), PAPER).reason == "no solution passes all tests"
    honest = [SUITES[0], SUITES[2]]
    decision = decided(behaviours(samples(3, 2), honest), PAPER, honest)
    assert decision.kept
    assert set(decision.chosen) == {"00", "01", "02"}


def test_gold_is_hidden_from_the_filter() -> None:
    gold = Solution("gold/p/1", PROBLEM.problem_id, RIGHT, origin="gold")
    solutions = [*samples(2, 2), gold]
    gold_suite = suite("gold", "assert add(7, 7) == 14", origin="gold")
    suites = [*SUITES, gold_suite]
    rows = behaviours(solutions, suites)
    (decision,) = decide_all(join_by_problem([PROBLEM], solutions, suites, rows), SETTINGS)
    assert decision.samples == 4
    assert "gold/p/1" not in (*decision.chosen, *decision.rejected)
    assert all("7, 7" not in case.source for case in decision.cases)


def test_iterations_dispute_a_problem_where_they_want_different_things_of_one_call() -> None:
    def believed(problem_id: str, *asserts: str, kept: bool = True) -> Decision:
        return Decision(problem_id, kept, "", 9, 9, 2, 1.0, 2.0, cases=suite("s", *asserts).cases)

    first = [believed("a", "assert add(1, 2) == 3"), believed("b", "assert add(1, 2) == 3")]
    again = [believed("a", "assert add(1, 2) == 3.0", "assert add(2, 2) == 4"), believed("b")]
    assert disputed([first, again]) == set()
    assert disputed([first, [believed("b", "assert add(1, 2) == 4")]]) == {"b"}
    assert disputed([first, [believed("b", "with pytest.raises(ValueError):\n    add(1, 2)")]]) == {"b"}
    assert disputed([first, [believed("b", "assert add(1, 2) == 4", kept=False)]]) == set()
