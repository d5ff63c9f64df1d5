"""The audit: what it counts on a problem whose truth is known, and when it stops a campaign."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.records import Case, Solution, Suite
from tasks.core.rows import Decision
from tasks.core.statistics import Share, wilson
from tasks.execution.problem_data import join_by_problem
from tasks.filtering.agreement import OTHERWISE, TESTS_NOTHING, dropped_by
from tasks.filtering.audit import MIN_DECISIONS, ROWS, audit, audit_filter, imprecise
from tasks.filtering.decide import decide
from tasks.filtering.votes import FLAKY, problem_votes_of
from tasks.settings.agreement import AgreementSettings
from tests.support.factories import PROBLEM, behaviour_of, error, solution, suite, value

CODES = ["a + b", "a + b", "a + b + 0", "a - b", "a * b", "a if b == 0 else a + b"]
SOLUTIONS = [
    *(solution(f"{i}", f"def add(a, b):\n    return {body}") for i, body in enumerate(CODES)),
    Solution("gold/p/1", "p/1", "def add(a, b):\n    return a + b", origin="gold"),
    Solution("wrong0/p/1", "p/1", "def add(a, b):\n    return a + 2 * b", origin="wrong"),
]
SUITES = [
    suite("true", "assert add(1, 2) == 3", "assert add(2, 5) == 7"),
    suite("false", "assert add(1, 2) == 3", "assert add(2, 2) == 5"),
    suite("weak", "assert add(0, 0) == 0"),
    suite("gold/p/1", "assert add(7, 7) == 14", "assert add(3, 0) == 3", origin="gold"),
]
LABELLED = replace(PROBLEM, gold_solution="yes")
ROWS_OF = [behaviour_of(one, SUITES) for one in SOLUTIONS]
SETTINGS = AgreementSettings(min_votes=3, min_margin=1, min_vote_share=0)


def found(settings: AgreementSettings = SETTINGS) -> dict[str, tuple[float, float]]:
    rows = audit_filter(
        join_by_problem([LABELLED], SOLUTIONS, SUITES, ROWS_OF), settings, with_reference=False
    )
    assert tuple(rows) == ROWS
    return {name: (row.right, row.total) for name, row in rows.items()}


def test_every_row_counts_what_it_says() -> None:
    # The winners add, and so does the last program on every sampled call: four votes, all right on gold.
    assert found() == {
        "kept problems right": (1, 1),
        "chosen solutions": (4, 4),
        "rejected solutions": (2, 2),
        "kept cases": (3, 3),
        "dropped cases": (1, 1),
        "problems kept": (1, 1),
        "recall of right solutions": (4, 4),
        "recall of wrong solutions": (2, 2),
        "recall of true cases": (3, 3),
        "sound suites": (2, 3),
        "sound suites, kept": (2, 2),
        # The known-wrong program and `a - b` fail the first suite, all agree on f(0, 0), one is unsound.
        "suites with power": (1, 2),
        "suites with power, kept": (1, 2),
    }


def test_a_dropped_problem_counts_for_recall_alone() -> None:
    counts = found(SETTINGS.model_copy(update={"min_votes": 5}))
    assert counts["problems kept"] == (0, 1)
    assert counts["chosen solutions"] == counts["kept cases"] == counts["sound suites, kept"] == (0, 0)
    assert counts["recall of right solutions"] == (0, 4)
    assert counts["recall of true cases"] == (0, 3)
    assert counts["sound suites"] == (2, 3)


def test_problems_without_gold_are_not_audited() -> None:
    decision = Decision("p/1", False, "too few votes", 1, 1, 1, 0.0, 0.0)
    assert audit(join_by_problem([PROBLEM], SOLUTIONS[:6], SUITES[:3], ROWS_OF[:6]), [decision]) == {}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=3), st.floats(0, 1))
def test_a_filter_is_distrusted_only_on_enough_evidence(pairs: list[tuple[int, int]], floor: float) -> None:
    audits = [{"chosen solutions": Share.of(min(pair), max(pair), max(pair))} for pair in pairs]
    right, total = sum(map(min, pairs)), sum(map(max, pairs))
    why = imprecise([*audits, {}], floor)
    assert bool(why) == (total >= MIN_DECISIONS and wilson(right, total)[1] < floor)
    assert not why or f"{right} of {total}" in why


def test_every_dropped_row_has_its_reason() -> None:
    idle = Suite("idle", "p/1", (Case("assert add", check="assert add"),))
    sampled = [*SUITES[:3], idle]
    rows = [replace(behaviour_of(one, SUITES[:3]), checks=(value(True),)) for one in SOLUTIONS[:6]]
    rows[4] = replace(rows[4], flaky=True)
    null = replace(rows[0], solution_id="null/p/1", calls=(error("TypeError"),) * 4)
    votes = problem_votes_of("p/1", rows, sampled, null)
    decision = decide(votes, SETTINGS)
    assert decision.kept
    found = {
        (row.kind, row.record_id): row.reason for row in dropped_by(votes, decision, SOLUTIONS[:6], sampled)
    }
    assert found == {
        ("solution", "3"): "is not in the winning group",
        ("solution", "4"): FLAKY,
        ("case", "false#1"): OTHERWISE,
        ("suite", "false"): OTHERWISE,
        ("case", "idle#0"): TESTS_NOTHING,
        ("suite", "idle"): TESTS_NOTHING,
    }
    refused = decide(votes, SETTINGS.model_copy(update={"min_votes": 5}))
    reasons = [row.reason for row in dropped_by(votes, refused, SOLUTIONS[:6], sampled)]
    assert reasons[0] == "too few votes"
    assert reasons.count("its problem is dropped: too few votes") == 5 + 5 + 3
