"""The files of `flywheel execute`: what is read, what is refused in one sentence, what is written whole."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import FlywheelError
from tasks.core.records import Case
from tasks.core.values import encode
from tasks.execution.asked import read_text
from tasks.execution.comparison import json_equal, same_output
from tasks.execution.exchange import (
    count_solutions,
    read_problems,
    read_solutions,
    read_suites,
    whole_file,
)
from tasks.testcode.suites import make_call

ADD = {"problem_id": "add", "statement": "Add.", "entry_point": "add", "signature": "ignored"}
ECHO = {"problem_id": "echo", "style": "stdin"}
GOOD = {"problem_id": "add", "solution_id": "s", "code": "def add(a, b):\n    return a + b\n"}
SUITE = {"problem_id": "add", "suite_id": "t", "code": "assert add(1, 2) == 3"}


def write(path: Path, *rows: object) -> Path:
    """A file of JSON lines; text is written as it is."""
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def entries(problem: dict[str, Any], tmp_path: Path, **suite: Any) -> tuple[Case | str, ...]:
    problems = read_problems(write(tmp_path / "p.jsonl", problem))
    row = {"problem_id": problem["problem_id"], "suite_id": "t", **suite}
    ((asked,),) = read_suites(write(tmp_path / "t.jsonl", row), problems).values()
    return asked.entries


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "holds no line"),
        ([" ", ""], "holds no line"),
        (["{"], "line 1: not JSON"),
        ([ADD, "[1]"], "line 2: a JSON object is expected"),
        ([ADD, "", "[" * 100_000], "line 3: not JSON"),
        ([{**ADD, "problem_id": 3.5}], "line 1: 'problem_id' must be text, not a number"),
        ([{**ADD, "statement": 3}], "line 1: 'statement' must be text"),
        ([{"problem_id": "a"}], "line 1: 'entry_point' is missing"),
        ([{**ADD, "entry_point": "no name"}], "line 1: 'entry_point' is missing or no function's name"),
        ([{**ADD, "style": "web"}], "line 1: 'style' is 'function' or 'stdin', not 'web'"),
        ([ADD, ADD], "line 2: problem_id 'add' was used before"),
    ],
)
def test_bad_problems(tmp_path: Path, rows: list[object], words: str) -> None:
    path = write(tmp_path / "p.jsonl", *rows)
    with pytest.raises(FlywheelError) as caught:
        read_problems(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**SUITE, "problem_id": "x"}, "problem_id 'x' is in no line of the problems file"),
        ({**SUITE, "suite_id": None}, "'suite_id' is missing"),
        ({**SUITE, "suite_id": "u", "cases": []}, "either 'code' or 'cases'"),
        ({"problem_id": "add", "suite_id": "u"}, "either 'code' or 'cases'"),
        ({"problem_id": "add", "suite_id": "u", "code": 1}, "'code' must be text, not a number"),
        ({"problem_id": "add", "suite_id": "u", "code": ["a"]}, "'code' must be text, not a list"),
        ({"problem_id": "add", "suite_id": "u", "cases": {}}, "'cases' must be a list"),
        (SUITE, "line 2: suite_id 't' was used before for this problem"),
    ],
)
def test_bad_suites(tmp_path: Path, row: object, words: str) -> None:
    problems = read_problems(write(tmp_path / "p.jsonl", ADD))
    with pytest.raises(FlywheelError, match=f"{tmp_path}/t.jsonl, line 2: ") as caught:
        read_suites(write(tmp_path / "t.jsonl", SUITE, row), problems)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "holds no line"),
        ([GOOD, {**GOOD, "problem_id": "x"}], "line 2: problem_id 'x' is in no line of the problems file"),
        ([{**GOOD, "solution_id": ""}], "line 1: 'solution_id' is empty"),
        ([{**GOOD, "code": None}], "line 1: 'code' is missing"),
        ([GOOD, {**GOOD, "solution_id": "\ud800"}, GOOD], "solution_id 's' is used more than once"),
    ],
)
def test_bad_solutions(tmp_path: Path, rows: list[object], words: str) -> None:
    problems = read_problems(write(tmp_path / "p.jsonl", ADD))
    with pytest.raises(FlywheelError) as caught:
        count_solutions(write(tmp_path / "s.jsonl", *rows), problems)
    assert words in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FlywheelError, match="does not exist: name a file"):
        read_problems(tmp_path / "absent.jsonl")
    with pytest.raises(FlywheelError, match="is no regular file"):
        read_problems(tmp_path)
    (tmp_path / "latin").write_bytes(b'{"problem_id": "\xe9"}\n')
    with pytest.raises(FlywheelError, match="line 1: not JSON"):
        read_problems(tmp_path / "latin")


def test_the_same_solution_id_may_serve_two_problems(tmp_path: Path) -> None:
    problems = read_problems(write(tmp_path / "p.jsonl", ADD, ECHO))
    path = write(tmp_path / "s.jsonl", GOOD, {**GOOD, "problem_id": "echo"})
    assert count_solutions(path, problems) == 2
    assert [solution.problem_id for solution in read_solutions(path, problems)] == ["add", "echo"]


def test_line_separators_of_unicode_do_not_end_a_line(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"problem_id": "a\u2028b\x85", "style": "stdin"}\n', encoding="utf-8")
    assert list(read_problems(tmp_path / "p.jsonl")) == ["a\u2028b\x85"]


def test_cases_of_a_function(tmp_path: Path) -> None:
    found = entries(
        ADD,
        tmp_path,
        cases=[
            {"args": [1], "kwargs": {"b": 2}, "expected": None},
            {"kwargs": {}, "expected": [True]},
            {"args": [1, 2]},
            {"expected": 3},
            {"args": 1, "expected": 3},
            {"stdin": "1", "stdout": "2"},
            {"args": [json.loads("[" * 300 + "]" * 300)], "expected": 3},
            3,
        ],
    )
    assert found[:2] == (
        Case("", make_call("add", [1], {"b": 2}), expected=encode(None)),
        Case("", make_call("add", []), expected=encode([True])),
    )
    assert found[2:] == (
        "'expected' is missing",
        "a case of a function has 'args' or 'kwargs'",
        "'args' is a list and 'kwargs' an object",
        "a case of a function has 'args' or 'kwargs'",
        "nested deeper than 200",
        "a case is a JSON object",
    )


def test_cases_of_a_stdin_program(tmp_path: Path) -> None:
    found = entries(ECHO, tmp_path, cases=[{"stdin": "1\n", "stdout": ""}, {"args": [1], "expected": 3}])
    assert found == (
        Case("", make_call("", ["1\n"]), expected=encode("")),
        "a case of a stdin program has 'stdin' and 'stdout', both text",
    )
    tests = 'assert program("1") == "2"\nassert "2" in program("1")\nassert program("1") == program("2")'
    found = entries(ECHO, tmp_path, code=tests)
    for case in found[:2]:
        assert isinstance(case, Case)
        assert case.call == make_call("", ["1"])
    assert found[2] == 'of a stdin program only program("input") == "output" can be tested'


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (
            "assert add(1, 2) == 3\nassert add(1,\n  2) ==\nassert add(2, 3) == 5",
            [None, None, "does not parse"],
        ),
        ("assert add(1, 2) == 3\nassert True\nassert add(1, 1)", [None, "holds whatever add is", None]),
        ("assert add(1, 2) == 3\nassert 1 == 2\nassert sub(1, 1)", [None, "fails whatever add is", None]),
        # It asks that nothing is raised; the null candidate says what that is worth.
        ("def test():\n    add(1, 2)", [None]),
        ("def test():\n    print(1, 2)", ["asserts nothing"]),
        ("", ["asserts nothing"]),
        ("((((", ["does not parse: '(((('"]),
    ],
)
def test_what_cannot_be_parsed_is_a_case_with_a_reason(text: str, reasons: list[str | None]) -> None:
    found = read_text(text, "add")
    assert len(found) == len(reasons)
    for entry, reason in zip(found, reasons, strict=True):
        assert isinstance(entry, Case) if reason is None else reason in str(entry)


@given(st.text(alphabet=st.sampled_from(list("assertd (1)=:[],\n 'x")), max_size=80))
def test_any_text_has_an_entry(text: str) -> None:
    assert read_text(text, "add")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("a\nb", "a  \nb\t\r\n\n", True),
        ("", "\n \n", True),
        ("a b", "a  b", False),
        (" a", "a", False),
        ("a\n\nb", "a\nb", False),
        (3, "3", False),
    ],
)
def test_the_stdout_rule(left: object, right: object, same: bool) -> None:
    assert same_output(left, right) is same


def test_a_tuple_is_as_good_as_the_list_that_json_makes_of_it() -> None:
    assert json_equal([(1, [2]), {"k": (3,)}], [[1, (2,)], {"k": [3]}])
    assert not json_equal((1, 2), [2, 1])
    assert not json_equal({1}, [1])
    assert not json_equal([float("nan")], [float("nan")])


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_text("before")

    def write_and_raise(error: Exception) -> None:
        with whole_file(path) as file:
            file.write("half")
            raise error

    with pytest.raises(ZeroDivisionError):
        write_and_raise(ZeroDivisionError())
    with pytest.raises(FlywheelError, match="cannot be written: No space left"):
        write_and_raise(OSError(errno.ENOSPC, "No space left on device"))
    assert path.read_text() == "before"
    with whole_file(path) as file:
        file.write("whole")
        file.flush()
        assert path.read_text() == "before"
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FlywheelError, match="cannot be written: No such file"), whole_file(tmp_path / "no/o"):
        pass
