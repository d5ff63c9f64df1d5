import random
from pathlib import Path
from typing import Any

import pytest

from tasks.benchmarks.starter import load_starter
from tasks.core.errors import FlywheelError
from tasks.core.records import Problem
from tasks.generation.decontamination import Contamination, find_duplicates
from tasks.generation.problems import clean, draw_statements, load_statements, propose_with, snippets
from tasks.generation.words import words
from tasks.inference.replay import ReplaySampler
from tasks.settings.problems import ProblemSettings
from tasks.settings.sampling import SamplingSettings
from tests.support.formats import demo_format


def problem(problem_id: str, statement: str, entry_point: str = "f", **more: Any) -> Problem:
    return Problem(problem_id, statement, entry_point, "def f(x):", "statement", **more)


LONG = "Write a function that takes a list of prices and returns the two cheapest ones in order."


def test_exact_and_near_duplicates_name_what_they_repeat() -> None:
    rows = [
        problem("a", LONG),
        problem("b", LONG.upper().replace(".", " !")),
        problem("c", LONG.replace("in order", "in ascending order")),
        problem("d", "Write a function that reverses a word and repeats it twice."),
    ]
    found = find_duplicates(rows, [], 0.6)
    assert found == {"b": ("exact duplicate", "a"), "c": ("near duplicate", "a")}
    assert find_duplicates(rows[3:], rows[3:], 0.6)["d"] == ("exact duplicate", "d")


def test_contamination_by_eight_words_by_short_statement_and_by_gold_code() -> None:
    gold = "def f(x):\n    '''Doc.'''\n    return x + 1  # comment\n"
    guard = Contamination(
        [problem("mbpp/1", LONG, gold_solution=gold), problem("mbpp/2", "Reverse a short word.")]
    )
    assert guard.of_text("Please " + " ".join(words(LONG)[3:11])) == (" ".join(words(LONG)[3:11]), "mbpp/1")
    assert guard.of_text(" ".join(words(LONG)[3:10])) is None
    assert guard.of_text("Now reverse a short word, twice") == ("reverse a short word", "mbpp/2")
    assert guard.of_code("f", "def f(x):\n    return x+1") == "mbpp/1"
    assert guard.of_code("g", "def f(x):\n    return x+1") is None


def test_gold_code_is_known_under_other_names_and_gold_asserts_under_another_function() -> None:
    gold = "def count(xs, y):\n    n = 0\n    for x in xs:\n        if x == y:\n            n += 1\n"
    gold += "    return n\n"
    suite = (
        "assert count([1, 2, 1], 1) == 2",
        "assert count(['a', 'b', 'b'], 'b') == 2",
        "assert count([], 1) == 0",
    )
    guard = Contamination(
        [problem("mbpp/1", LONG, gold_solution=gold, gold_suite=suite, entry_point="count")]
    )
    other = "def f(a: list, b) -> int:\n    k = 0\n    for e in a:\n        if e == b:\n            k += 1\n"
    other += "    return k"
    assert guard.of_code("f", other) == "mbpp/1"
    assert guard.of_code("f", other.replace("+= 1", "+= 2")) is None
    assert guard.of_code("f", "def f(a, b):\n    return a") is None
    assert guard.of_tests("assert g( [1,2,1], 1 )==2\nassert g(['a', 'b', 'b'], 'b') == 2") == "mbpp/1"
    assert guard.of_tests('assert g([1,2,1],1)==2, "no"\nassert g(["a",\n"b", "b"],"b")==2') == "mbpp/1"
    assert guard.of_tests("assert g([1, 2, 1], 1) == 2\nassert g([5], 1) == 0") is None
    # Short ones anybody writes.
    assert guard.of_tests("assert g([], 1) == 0\nassert g([1], 1) == 1") is None


def test_cleaning_reports_every_drop() -> None:
    rows = [problem("a", LONG), problem("b", LONG), problem("c", "Write a function that sums squares.")]
    kept, dropped = clean(rows, [], [problem("starter/9", LONG)], 0.7)
    assert [one.problem_id for one in kept] == ["c"]
    assert [(one.record_id, one.reason) for one in dropped] == [
        ("a", "shares words with a benchmark"),
        ("b", "exact duplicate"),
    ]


def test_shipped_statements_are_many_and_disjoint_from_the_shipped_benchmark() -> None:
    statements, starter = load_statements("builtin"), load_starter()
    assert len(statements) >= 60
    kept, dropped = clean(statements, [], starter, ProblemSettings().near_duplicate)
    assert dropped == []
    assert {p.entry_point for p in kept}.isdisjoint(p.entry_point for p in starter)


def test_unused_statements_come_first() -> None:
    pool = [problem(str(i), f"statement {i}") for i in range(10)]
    used = {f"statement {i}": 1 + (i < 5) for i in range(7)}
    drawn = draw_statements(pool, used, 5, True, random.Random(1))
    assert {p.statement for p in drawn[:3]} == {"statement 7", "statement 8", "statement 9"}
    assert {p.statement for p in drawn[3:]} == {"statement 5", "statement 6"}
    assert len(draw_statements(pool, used, 5, False, random.Random(1))) == 3


def test_snippets_are_drawn_by_seed_and_an_empty_folder_is_refused(tmp_path: Path) -> None:
    first = snippets("stdlib", 5, random.Random(2))
    assert first == snippets("stdlib", 5, random.Random(2))
    assert all(code.startswith("def ") for _, code in first)
    (tmp_path / "one.py").write_text("def f(x):\n    y = x\n    y += 1\n    return y\n")
    assert len(snippets(str(tmp_path), 3, random.Random(0))) == 3
    (tmp_path / "one.py").unlink()
    with pytest.raises(FlywheelError, match="no short Python function"):
        snippets(str(tmp_path), 2, random.Random(0))
    with pytest.raises(FlywheelError, match="there is no folder"):
        snippets(str(tmp_path / "absent"), 2, random.Random(0))


def test_proposals_are_parsed_or_counted() -> None:
    answers = {
        "one": " digit_sum(n):\nTask: Write a function that sums the digits of a number.",
        "two": "\nhmm",
    }
    sampler = ReplaySampler(lambda request: [answers["one" if "alpha" in request.prompt else "two"]])
    seeds = [("x.py:1", "def alpha():\n    return 1"), ("x.py:9", "def beta():\n    return 2")]
    settings = SamplingSettings(format="smollm-demo")
    samples, problems, dropped = propose_with(sampler, seeds, settings, 7, demo_format())
    assert len(samples) == 2
    assert [(p.entry_point, p.seed, p.source) for p in problems] == [("digit_sum", "x.py:1", "proposed")]
    assert [one.reason for one in dropped] == ["no_signature"]
