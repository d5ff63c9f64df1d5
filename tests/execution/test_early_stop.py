"""Programs that never end are stopped early, and never where their votes could have won."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.records import Behaviour, Case, Problem, Suite
from tasks.core.values import encode
from tasks.execution.determinism import SandboxPair
from tasks.execution.early_stop import QUICK_S, Key, could_win
from tasks.execution.problem_data import ProblemData
from tasks.execution.step import execute_shard
from tasks.testcode.suites import make_call
from tests.support.factories import solution

PROBLEM = Problem("p/f", "f", "f", "def f(x):", "statement")
CPU_S = 0.5
ENDLESS = "def f(x):\n    while True:\n        pass  # {}\n"
SLOW = "import time\ndef f(x):\n    while time.process_time() < {}:\n        pass\n    return x * {}\n"


def behaviours(
    seeds: SandboxPair, codes: list[str], inputs: int = 3, cpu_s: float = CPU_S
) -> list[Behaviour]:
    cases = tuple(Case("", make_call("f", [x]), expected=encode(x)) for x in range(inputs))
    solutions = [solution(str(number), code, PROBLEM) for number, code in enumerate(codes)]
    data = ProblemData(PROBLEM, solutions, [Suite("one", PROBLEM.problem_id, cases)])
    return execute_shard(seeds, [data], early_stop_s=cpu_s)


def spent_s(row: Behaviour) -> float:
    return sum(outcome.cpu_ms for outcome in row.calls) / 1e3


def test_an_endless_program_costs_little_where_others_win(seeds: SandboxPair) -> None:
    right = [f"def f(x):\n    return x  # {number}\n" for number in range(6)]
    *good, endless = behaviours(seeds, [*right, ENDLESS.format(0)], inputs=12)
    assert all(outcome.kind == "value" for row in good for outcome in row.calls)
    assert {outcome.kind for outcome in endless.calls} == {"timeout"}
    assert {outcome.tried for outcome in endless.calls} == {"reduced", "not"}
    assert spent_s(endless) < 4 * QUICK_S
    assert not endless.flaky


def test_slow_programs_that_could_win_have_all_of_their_time(seeds: SandboxPair) -> None:
    slow = [SLOW.format(0.2 + number / 100, 1) for number in range(5)]
    rows = behaviours(seeds, [*slow, "def f(x):\n    return 0\n"])
    assert [[outcome.value for outcome in row.calls] for row in rows[:5]] == [["0", "1", "2"]] * 5


def test_one_slow_program_has_twenty_times_what_the_others_took(seeds: SandboxPair) -> None:
    """Eight that take 15 ms win without it; 0.2 s are within twenty times that, 0.45 s are not."""
    quick = [SLOW.format(0.015, f"1 + {number} * 0") for number in range(8)]
    *_, slow, too_slow = behaviours(
        seeds, [*quick, SLOW.format(0.2, 2), SLOW.format(20, 3)], inputs=2, cpu_s=CPU_S
    )
    assert [outcome.value for outcome in slow.calls] == ["0", "2"]
    assert too_slow.calls[0].kind == "timeout"
    assert "it cannot win" in too_slow.calls[0].detail or spent_s(too_slow) >= 0.9 * CPU_S


def test_what_a_stopped_program_did_before_is_kept_and_checked_again(seeds: SandboxPair) -> None:
    stuck = "def f(x):\n    while x == 1:\n        pass\n    return x\n"
    moody = "import sys\ndef f(x):\n    while x == 1:\n        pass\n    return hash('a') % 1000 + x\n"
    right = [f"def f(x):\n    return x  # {number}\n" for number in range(6)]
    *_, first, second = behaviours(seeds, [*right, stuck, moody])
    assert [outcome.kind for outcome in first.calls] == ["value", "timeout", "value"]
    assert (first.flaky, second.flaky) == (False, True)


# could_win against every way that the stopped programs could have gone on.

KEYS = st.sampled_from(["1", "2", "!E"])
ENDED = st.lists(st.tuples(st.tuples(KEYS, KEYS), st.integers(1, 3)), max_size=4)
STOPPED = st.lists(
    st.tuples(st.tuples(st.sampled_from(["", "1", "2"]), st.just("")), st.integers(1, 2)),
    min_size=1,
    max_size=3,
)


def _winner(rows: list[tuple[Key, int]]) -> Key | None:
    from math import log

    groups: Counter[Key] = Counter()
    for key, votes in rows:
        groups[key] += votes

    def score(key: Key) -> float:
        return (groups[key] - 1) * log(1 + len({text for text in key if text[0] not in "!?"}))

    best = max(groups, key=lambda key: (score(key), key), default=None)
    return best if best is not None and score(best) > 0 else None


@given(ENDED, STOPPED)
def test_where_they_could_not_win_no_end_of_theirs_changes_the_winner(
    ended: list[tuple[Key, int]], stopped: list[tuple[Key, int]]
) -> None:
    if could_win(stopped, ended):
        return
    before = _winner([*ended, *((("?t", "?t"), votes) for _, votes in stopped)])
    open_places = [(row, place) for row, (key, _) in enumerate(stopped) for place in (0, 1) if not key[place]]
    for texts in product(["1", "2", "3", "!E", "?t"], repeat=len(open_places)):
        keys = [list(key) for key, _ in stopped]
        for (row, place), text in zip(open_places, texts, strict=True):
            keys[row][place] = text
        went_on = [(tuple(key), votes) for key, (_, votes) in zip(keys, stopped, strict=True)]
        assert _winner([*ended, *went_on]) == before
