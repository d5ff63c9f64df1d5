"""`flywheel agree` from the command line, with real containers and raw answers of a model."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from flows.commands.agree import UNREAD
from tasks.filtering.agreement import OTHERWISE, TESTS_NOTHING
from tasks.filtering.votes import FLAKY
from tests.execution.test_exchange import write
from tests.flows.test_cli import flywheel

PROBLEMS = [
    {"problem_id": "add", "statement": "Add two numbers.", "entry_point": "add"},
    {"problem_id": "double", "style": "stdin"},
    {"problem_id": "halves", "entry_point": "halves"},
    {"problem_id": "silent", "entry_point": "silent"},
]
RIGHT = "def add(a, b):\n    return a + b\n"
CODES = {
    "add": [RIGHT, f"Sure:\n```python\n{RIGHT}```", RIGHT + "# again\n", "def add(a, b):\n    return a - b\n",
            "def add(a, b:\n", "import random\n\ndef add(a, b):\n    return random.random()\n"],
    "double": ["print(2 * int(input()), ' ')", "print(int(input()) * 2)",
               "n = input()\nprint(int(n) * 2, '\\n')", "print(input() * 2)"],
    "halves": ["def halves(x):\n    return x // 2, x % 2"] * 2
              + ["def halves(x):\n    return [x // 2, x % 2]", "def halves(x):\n    return x / 2"],
    "silent": ["def silent(x):\n    return x"] * 3,
}  # fmt: skip
TESTS = [
    ("add", "good", "T:\n```python\nassert add(1, 2) == 3\nassert add(2, 2) == 4\nassert add(1,\n```\nSo."),
    ("add", "mixed", "assert add(1, 2) == 3.0\nassert add(5, 5) == 11\nassert helper(2)"),
    ("add", "idle", "assert add(7, 7) is not None"),
    ("add", "prose", "I cannot write tests."),
    ("double", "io", [{"stdin": "4", "stdout": "8\n"}, {"stdin": "1", "stdout": "2"}]),
    ("halves", "json", [{"args": [5], "expected": [2, 1]}, {"args": [4], "expected": [2, 0]}]),
    ("silent", "none", "print(silent(1))"),
]  # fmt: skip
SETTINGS = [
    *("--set", "agreement.min_votes=3"),
    *("--set", "agreement.min_score_share=0"),
    *("--set", "agreement.min_margin=1.05"),
]


def rows() -> tuple[list[Any], list[Any]]:
    solutions = [
        {"problem_id": problem, "solution_id": f"{problem}{i}", "code": code}
        for problem, codes in CODES.items()
        for i, code in enumerate(codes)
    ]
    tests = [
        {"problem_id": problem, "suite_id": name, "code" if isinstance(body, str) else "cases": body}
        for problem, name, body in TESTS
    ]
    return solutions, tests


def arguments(folder: Path, solutions: list[Any], tests: list[Any]) -> list[str]:
    paths = [
        write(folder / f"{name}.jsonl", *content)
        for name, content in (("problems", PROBLEMS), ("solutions", solutions), ("tests", tests))
    ]
    options = [part for path in paths for part in (f"--{path.stem}", str(path))]
    return ["agree", *options, "--out", str(folder / "out.jsonl")]


def lines(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["problem_id"]: row for row in map(json.loads, (folder / "out.jsonl").open())}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *args: flywheel(monkeypatch, capsys, *args)


@pytest.mark.docker
def test_raw_answers_are_decided_with_every_reason(run: Any, tmp_path: Path) -> None:
    code, text = run(*arguments(tmp_path, *rows()), *SETTINGS)
    assert code == 0, text
    found = lines(tmp_path)
    assert list(found) == [problem["problem_id"] for problem in PROBLEMS]
    add = found["add"]
    assert (add["kept"], add["reason"], add["votes"]) == (True, "", 3)
    assert add["chosen"] == ["add0", "add1", "add2"]
    assert add["groups"][0]["solutions"] == add["chosen"]
    assert add["groups"][0]["cases"] == len(add["cases"]) == 2
    assert {case["source"]: case["suites"] for case in add["cases"]} == {
        "assert add(1, 2) == 3": 2,
        "assert add(2, 2) == 4": 1,
    }
    assert add["dropped"]["solutions"] == {
        "add3": "is not in the winning group",
        "add4": "cannot be read: syntax",
        "add5": FLAKY,
    }
    assert add["dropped"]["suites"] == {"mixed": OTHERWISE, "idle": TESTS_NOTHING, "prose": UNREAD}
    assert add["dropped"]["cases"][OTHERWISE] == 1
    assert found["double"]["chosen"] == ["double0", "double1", "double2"]
    assert found["halves"]["chosen"] == ["halves0", "halves1", "halves2"]
    assert [case["source"] for case in found["halves"]["cases"]] == [
        "assert halves(4) == [2, 0]", "assert halves(5) == [2, 1]",
    ]  # fmt: skip
    silent = found["silent"]
    assert (silent["kept"], silent["reason"]) == (False, "no case that tests anything")
    assert set(silent["dropped"]["solutions"].values()) == {
        "its problem is dropped: no case that tests anything"
    }


@pytest.mark.docker
def test_the_order_of_lines_changes_nothing_but_the_order_of_ids(run: Any, tmp_path: Path) -> None:
    def sets(line: dict[str, Any]) -> dict[str, Any]:
        groups = [{**group, "solutions": sorted(group["solutions"])} for group in line["groups"]]
        cases = sorted(case["suites"] for case in line["cases"])
        return {**line, "chosen": sorted(line["chosen"]), "groups": groups, "cases": cases}

    decided = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        solutions, tests = rows()
        if name == "b":
            random.Random(1).shuffle(solutions)
            random.Random(2).shuffle(tests)
        code, text = run(*arguments(tmp_path / name, solutions, tests), *SETTINGS)
        assert code == 0, text
        decided.append({problem: sets(line) for problem, line in lines(tmp_path / name).items()})
    assert decided[0] == decided[1]


@pytest.mark.docker
def test_the_paper_rule_can_be_asked_for(run: Any, tmp_path: Path) -> None:
    code, text = run(*arguments(tmp_path, *rows()), "--rule", "paper")
    assert code == 0, text
    found = lines(tmp_path)
    assert found["add"]["reason"] == "no solution passes all tests"
    assert found["double"]["rule"] == "paper"
    assert found["double"]["chosen"] == ["double0", "double1", "double2"]


@pytest.mark.parametrize(
    ("extra_solution", "extra_test", "options", "words"),
    [
        ({"problem_id": "x", "solution_id": "s", "code": ""}, None, [], "'x' is in no line of the problems"),
        ({"problem_id": "add", "solution_id": "s"}, None, [], "solutions.jsonl, line 18: 'code' is missing"),
        ({"problem_id": "add", "solution_id": "add0", "code": ""}, None, [], "a solution_id is used more"),
        (None, {"problem_id": "add", "suite_id": "s"}, [], "a suite has either 'code' or 'cases'"),
        (None, {"problem_id": "add", "suite_id": "s", "cases": 1}, [], "'cases' must be a list"),
        (
            None,
            {"problem_id": "add", "suite_id": "good", "code": ""},
            [],
            "a suite_id is used more",
        ),
        (None, None, ["--rule", "vote"], "setting 'agreement.rule'"),
        (None, None, ["--set", "agreement.votes=3"], "unknown setting 'agreement.votes'"),
    ],
)
def test_wrong_input_is_one_sentence_and_no_output(
    run: Any, tmp_path: Path, extra_solution: Any, extra_test: Any, options: list[str], words: str
) -> None:
    solutions, tests = rows()
    solutions += [extra_solution] if extra_solution else []
    tests += [extra_test] if extra_test else []
    code, text = run(*arguments(tmp_path, solutions, tests), *options)
    assert code == 1
    assert words in text
    assert text.startswith("flywheel: ")
    assert text.count("\n") == 1
    assert not (tmp_path / "out.jsonl").exists()


def test_an_output_that_cannot_be_written_is_found_out_first(run: Any, tmp_path: Path) -> None:
    given = arguments(tmp_path, *rows())
    code, text = run(*given[:-1], str(tmp_path / "none" / "out.jsonl"))
    assert code == 1
    assert "there is no folder" in text


@pytest.mark.docker
def test_what_a_condition_decides_in_every_order_is_decided(run: Any, tmp_path: Path) -> None:
    """Solutions whose results come in any order vote, where no test asks for one."""
    codes = {
        "set": "def uniq(words):\n    return list(set(words))\n",
        "also": "def uniq(words):\n    return [*{word: 0 for word in set(words)}]\n",
        "third": "def uniq(words):\n    return [word for word in frozenset(words)]\n",
        "lost": "def uniq(words):\n    return sorted(set(words))[1:]\n",
        "random": "import random\ndef uniq(words):\n    return random.sample(words, 2)\n",
    }
    words = [f"word {n % 9}" for n in range(20)]
    asked = [
        f"assert sorted(uniq({words})) == {sorted({*words})}",
        f"assert len(uniq({words})) == 9\nassert 'word 3' in uniq({words})\nassert set(uniq({words[:4]})) == "
        f"{ {*words[:4]} }",
    ]
    paths = [
        write(tmp_path / "p.jsonl", {"problem_id": "u", "entry_point": "uniq"}),
        write(
            tmp_path / "s.jsonl",
            *({"problem_id": "u", "solution_id": name, "code": code} for name, code in codes.items()),
        ),
        write(
            tmp_path / "t.jsonl",
            *({"problem_id": "u", "suite_id": n, "code": code} for n, code in enumerate(asked)),
        ),
    ]
    names = ("--problems", "--solutions", "--tests")
    options = [str(part) for pair in zip(names, paths, strict=True) for part in pair]
    code, text = run("agree", *options, "--out", str(tmp_path / "out.jsonl"), *SETTINGS)
    assert code == 0, text
    line = lines(tmp_path)["u"]
    assert line["chosen"] == ["set", "also", "third"]
    assert len(line["cases"]) == 4
    assert line["dropped"]["solutions"]["random"] == FLAKY
    # With a test that asks for an order nothing is decided.
    write(
        tmp_path / "t.jsonl", {"problem_id": "u", "suite_id": 0, "code": f"assert uniq({words}) == {words}"}
    )
    code, text = run("agree", *options, "--out", str(tmp_path / "out.jsonl"), *SETTINGS)
    assert code == 0, text
    dropped = lines(tmp_path)["u"]["dropped"]["solutions"]
    assert [name for name, reason in dropped.items() if reason == FLAKY] == ["set", "also", "third", "random"]
