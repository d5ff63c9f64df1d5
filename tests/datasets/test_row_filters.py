"""The guards on training rows: each as a property over arbitrary rows, and what they do to collapse."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.benchmarks.starter import load_starter
from tasks.core.records import Problem, Sample, Solution
from tasks.core.rows import Pair, SftRow
from tasks.datasets.collection import pair_lengths
from tasks.datasets.row_filters import (
    AnyRow,
    RowSelection,
    cases_of,
    good_text,
    hold_out,
    is_held_out,
    length_ratio,
    prefers_shorter,
    select,
    teaches_brevity,
)
from tasks.generation.decontamination import Contamination
from tasks.generation.diversity import LENGTH, diversity_of, is_one_liner, is_uniform, program_shape, written
from tasks.generation.prompts import solver_completion, solver_prompt, verifier_completion, verifier_prompt
from tasks.settings.rows import RowSettings
from tests.support.formats import demo_text

PROBLEMS = {
    f"p{i}": Problem(
        f"p{i}", f"Write a function number {i} that adds things up.", "add", "def add(a, b):", "s"
    )
    for i in range(12)
}
CLEAN = Contamination([])
ONE_LINERS = ["return a + b", "return b + a", "return sum((a, b))", "return a - -b"]
LONGER = ["total = a\n    total += b\n    return total", "if a:\n        return a + b\n    return b"]
SUITES = [["(1, 2) == 3", "(2, 2) == 4"], ["(1, 2) == 3", "(2, 1) == 3"], ["(0, 0) == 0", "(5, 0) == 5"]]
OPEN = RowSettings(
    per_problem=1000,
    max_one_liner_share=1,
    max_uniform_share=1,
    max_role_ratio=1000,
    max_shorter_share=1,
    held_out=0,
    age_decay=1,
)


def solver_row(name: str, problem: str, body: str, iteration: int = 1, score: float = 1.0) -> SftRow:
    prompt = solver_prompt(PROBLEMS[problem])
    completion = solver_completion(prompt, f"def add(a, b):\n    {body}")
    assert isinstance(completion, str)
    return SftRow(name, "solver", problem, demo_text(prompt), completion, (name,), False, score, iteration)


def verifier_row(
    name: str, problem: str, asserts: list[str], iteration: int = 1, score: float = 1.0
) -> SftRow:
    prompt = verifier_prompt(PROBLEMS[problem], len(asserts))
    completion = verifier_completion(prompt, [f"assert add{text}" for text in asserts])
    assert isinstance(completion, str)
    return SftRow(name, "verifier", problem, demo_text(prompt), completion, (name,), False, score, iteration)


@st.composite
def some_rows(draw: st.DrawFn) -> list[SftRow]:
    rows = []
    for index in range(draw(st.integers(0, 40))):
        problem = f"p{draw(st.integers(0, 11))}"
        age, score = draw(st.integers(1, 3)), draw(st.floats(0, 9))
        if draw(st.booleans()):
            rows.append(
                solver_row(f"s{index}", problem, draw(st.sampled_from(ONE_LINERS + LONGER)), age, score)
            )
        else:
            rows.append(verifier_row(f"v{index}", problem, draw(st.sampled_from(SUITES)), age, score))
    return rows


def chosen(rows: list[AnyRow], **changed: object) -> RowSelection[AnyRow]:
    return select(rows, 3, PROBLEMS, CLEAN, OPEN.model_copy(update=changed))


@settings(max_examples=60)
@given(some_rows(), st.randoms())
def test_nothing_is_lost_and_order_does_not_matter(rows: list[SftRow], rng: object) -> None:
    result = select(rows, 3, PROBLEMS, CLEAN, RowSettings())
    hold_out([result], RowSettings(min_held_out=2))
    ids = [row.row_id for row in (*result.rows, *result.held_out)]
    assert Counter(ids) + Counter(row.record_id for row in result.dropped) == Counter(r.row_id for r in rows)
    assert all(row.reason for row in result.dropped)
    rng.shuffle(rows)  # type: ignore[attr-defined]
    again = select(rows, 3, PROBLEMS, CLEAN, RowSettings())
    hold_out([again], RowSettings(min_held_out=2))
    assert again == result


@settings(max_examples=60)
@given(some_rows(), st.integers(1, 3))
def test_caps_per_problem_age_and_role_hold(rows: list[SftRow], cap: int) -> None:
    kept = chosen(rows, per_problem=cap).rows
    assert all(count <= cap for count in Counter((row.role, row.problem_id) for row in kept).values())
    kept = chosen(rows, max_rows=cap, age_decay=0.5).rows
    assert all(count <= cap * 0.5 ** (3 - age) for age, count in Counter(r.iteration for r in kept).items())
    counts = Counter(row.role for row in chosen(rows, max_role_ratio=cap).rows)
    if len(counts) == 2:
        assert max(counts.values()) <= cap * min(counts.values())


@settings(max_examples=60)
@given(some_rows(), st.sampled_from([0.0, 0.25, 0.5, 0.8]))
def test_one_liners_and_uniform_suites_are_capped_but_never_below_half(
    rows: list[SftRow], share: float
) -> None:
    before = [row for row in chosen(rows).rows if row.role == "solver"]
    solver = [row for row in chosen(rows, max_one_liner_share=share).rows if row.role == "solver"]
    ones = sum(map(teaches_brevity, solver))
    assert len(solver) - ones == sum(not teaches_brevity(row) for row in before)
    assert ones <= share * len(solver) + 1e-9 or len(solver) == -(-len(before) // 2)
    tests = [row for row in chosen(rows, max_uniform_share=share).rows if row.role == "verifier"]
    uniform = sum(is_uniform(cases_of(row, "add")) for row in tests)
    assert (
        uniform <= share * len(tests) + 1e-9
        or 2 * len(tests) <= sum(row.role == "verifier" for row in chosen(rows).rows) + 1
    )


def test_shapes_that_are_rare_stay_and_the_newest_of_equal_texts() -> None:
    rows = [solver_row(f"a{i}", f"p{i}", "return a + b") for i in range(8)]
    rows += [solver_row("rare", "p9", "return sum((a, b))"), solver_row("long", "p8", LONGER[0])]
    kept = {row.row_id for row in chosen(rows, max_one_liner_share=0.5).rows}
    assert {"rare", "long"} <= kept
    assert len(kept) == 5
    # The same recombined suite has the same id in every iteration.
    again = chosen([solver_row("same", "p1", "return a + b", iteration) for iteration in (1, 3, 2)])
    assert [row.iteration for row in again.rows] == [3]
    assert [row.reason for row in again.dropped] == ["says the same as a newer row"] * 2
    # Of cases in other quotes the newer row's are taught, of other cases both.
    quotes = [["('a', 1_0) == 'a'", "(1, 2) == 3"], ['("a", 10) == "a"', "(1,2)==3"], ["('a', 1) == 'a'"]]
    suites = [
        verifier_row(f"s{iteration}", "p1", asserts, iteration) for iteration, asserts in enumerate(quotes, 1)
    ]
    assert {row.row_id for row in chosen(suites).rows} == {"s2", "s3"}
    pairs = [
        Pair(
            one.row_id,
            "verifier",
            "p1",
            one.prompt,
            suites[2].completion,
            one.completion,
            "",
            iteration=iteration,
        )
        for iteration, one in enumerate([*suites[:2], suites[0]], 1)
    ]
    assert [row.iteration for row in chosen(pairs).rows] == [3]
    # Of one problem the new shape comes before another program of a known one, though it is older.
    varied = [
        solver_row("x", "p1", "return a + b", 3),
        solver_row("y", "p1", "return b + a", 3),
        solver_row("z", "p1", LONGER[0], 1),
    ]
    assert {row.row_id for row in chosen(varied, per_problem=2).rows} == {"x", "z"}


def test_of_a_disputed_problem_neither_iteration_is_believed() -> None:
    rows = [solver_row("a", "p1", ONE_LINERS[0], 1), solver_row("b", "p1", ONE_LINERS[1], 2)]
    rows += [solver_row("c", "p2", ONE_LINERS[0], 1)]
    selection = select(rows, 3, PROBLEMS, CLEAN, OPEN, {"p1"})
    assert [row.row_id for row in selection.rows] == ["c"]
    assert {row.reason for row in selection.dropped} == {"two iterations contradict each other"}


def test_held_out_problems_are_the_same_in_every_iteration_and_apart() -> None:
    names = [f"problem/{i}" for i in range(2000)]
    held = [is_held_out(name, 0.1) for name in names]
    assert 150 < sum(held) < 250
    assert all(is_held_out(name, 0.2) for name, yes in zip(names, held, strict=True) if yes)
    rows = [solver_row(f"{i}/{j}", f"p{i}", body) for i in range(12) for j, body in enumerate(LONGER)]
    many, few = chosen(rows), chosen(rows[:: len(LONGER)])
    hold_out([many, few], RowSettings(held_out=0.3, min_held_out=len(many.rows)))
    assert (many.held_out, few.held_out, few.dropped) == ([], [], [])
    least = sum(is_held_out(row.problem_id, 0.3) for row in many.rows)
    hold_out([many, few], RowSettings(held_out=0.3, min_held_out=least))
    apart = {row.problem_id for row in many.held_out}
    assert apart
    assert not apart & {row.problem_id for row in (*many.rows, *few.rows)}
    # Too few to stop by, and yet not trained on.
    assert few.held_out == []
    assert {row.reason for row in few.dropped} == {"its problem's other rows are held out"}


def test_benchmark_text_is_found_in_rows_again() -> None:
    benchmark = load_starter()
    gold = benchmark[0]
    contamination = Contamination(benchmark)
    clean = solver_row("clean", "p1", LONGER[0])
    stolen = replace(PROBLEMS["p2"], statement=f"Please: {gold.statement}")
    named = replace(PROBLEMS["p3"], entry_point=gold.entry_point, signature=gold.signature)
    prompt = solver_prompt(named)
    completion = solver_completion(prompt, gold.gold_solution.strip())
    assert isinstance(completion, str)
    rows = [
        clean,
        solver_row("stolen", "p2", LONGER[0]),
        SftRow("gold", "solver", "p3", demo_text(prompt), completion, ("gold",)),
    ]
    problems = PROBLEMS | {"p2": stolen, "p3": named}
    result = select(rows, 3, problems, contamination, OPEN)
    assert [row.row_id for row in result.rows] == ["clean"]
    assert {row.reason for row in result.dropped} == {"shares text with a benchmark"}


def test_pairs_that_prefer_one_line_to_more_are_capped_and_lengths_are_told() -> None:
    def pair(name: str, problem: str, good: str, bad: str) -> Pair:
        rows = [solver_row(name, problem, body) for body in (good, bad)]
        return Pair(name, "solver", problem, rows[0].prompt, rows[0].completion, rows[1].completion, "fails")

    pairs = [pair(f"short{i}", f"p{i}", ONE_LINERS[i % 4], LONGER[i % 2]) for i in range(8)]
    pairs += [pair(f"long{i}", f"p{i}", LONGER[i % 2], "return a") for i in range(4)]
    kept = select(pairs, 3, PROBLEMS, CLEAN, OPEN.model_copy(update={"max_one_liner_share": 0.5})).rows
    assert Counter(one.row_id[:5] for one in kept) == {
        "short": 4,
        "long0": 1,
        "long1": 1,
        "long2": 1,
        "long3": 1,
    }
    lengths = pair_lengths(kept)
    assert set(lengths) == {"solver"}
    assert lengths["solver"].chosen_is_shorter == 0.5


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=20),
    st.sampled_from([0, 0.25, 0.5, 0.9, 1]),
)
def test_pairs_that_prefer_the_shorter_text_are_capped(sizes: list[tuple[int, int]], share: float) -> None:
    fence = demo_text(solver_prompt(PROBLEMS["p0"]))
    pairs = [
        Pair(
            f"{number}",
            "solver",
            "p0",
            fence,
            f" return {number}{'+a' * good}",
            f" return {'+b' * bad}",
            "fails",
        )
        for number, (good, bad) in enumerate(sizes)
    ]
    kept = select(pairs, 1, PROBLEMS, CLEAN, OPEN.model_copy(update={"max_shorter_share": share})).rows
    short, dropped = (
        [pair for pair in part if prefers_shorter(pair)]
        for part in (kept, [pair for pair in pairs if pair not in kept])
    )
    half = -(-len(pairs) // 2)
    assert len(short) <= share * len(kept) or len(kept) == half
    # Nothing else goes, and no more than must; the ones that stay are nearest in length.
    assert len(pairs) - len(kept) == len(dropped)
    assert len(kept) >= half
    if dropped:
        assert len(short) + 1 > share * (len(kept) + 1)
        gaps = [[length_ratio(pair) for pair in part] for part in (short, dropped)]
        assert max(gaps[0], default=0) <= min(gaps[1])


def test_shapes_one_liners_and_repeats() -> None:
    assert program_shape("def f(a):\n    return a > 1") == program_shape("def f(x):\n    return x > 27")
    assert program_shape("def f(a):\n    return a > 1") != program_shape("def f(a):\n    return a < 1")
    assert is_one_liner('def f(a):\n    """Doc."""\n    return a')
    assert not is_one_liner("def f(a):\n    b = a\n    return b")
    assert not is_one_liner("def f(a):\n    for b in a: print(b)")
    prompt = demo_text(verifier_prompt(PROBLEMS["p1"], 3))
    answer = "1, 2) == 3\nassert add(1, 2) == 3\nassert add(2, 2) == 4\n"
    samples = [Sample("t", "p1", "verifier", 0, prompt, answer, "stop", 0, 9)]
    codes = [
        "def add(a, b):\n    return a + b",
        "def add(x, y):\n    return x + y",
        f"def add(a, b):\n    {LONGER[0]}",
    ]
    solutions = [Solution(str(i), "p1", code) for i, code in enumerate(codes)]
    shares = diversity_of(samples, solutions)
    assert shares["repeated asserts"] == pytest.approx(1 / 3)
    assert shares["one-liners"] == pytest.approx(2 / 3)
    assert shares["characters a program"] == pytest.approx((31 + 31 + len(codes[2])) / 3)
    assert shares["distinct programs"] == 1
    assert shares["distinct shapes"] == pytest.approx(2 / 3)
    assert good_text(solver_row("r", "p1", "return a + b")) == codes[0]
    assert [written(shares, name) for name in ("one-liners", LENGTH, "no such")] == ["67%", "41", "-"]
    assert diversity_of([], []) == {}
