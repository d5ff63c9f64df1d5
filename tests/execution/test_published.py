"""Files as they are published: JSON lines, JSON and Parquet, recognised or refused in one sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from flows.commands.convert import convert_files, shown
from tasks.core.errors import FlywheelError
from tasks.execution.exchange import count_solutions, read_problems, read_solutions, read_suites
from tasks.execution.published import ExchangeFiles, exchange_files
from tests.execution.converters.samples import (
    APPS_CALL,
    BIGCODEBENCH,
    CODECONTESTS,
    HUMANEVAL,
    LIVECODEBENCH_STDIN,
    OPEN_R1,
    SANITIZED_MBPP,
    TACO_STDIN,
    TRIPLE,
)
from tests.execution.test_exchange import write


def silent(text: str) -> None:
    """Nobody listens."""


def exchanged(folder: Path, data: Path, solutions: Path | None = None) -> ExchangeFiles:
    made = folder / "made"
    made.mkdir(exist_ok=True)
    return exchange_files(data, solutions, None, made, silent)


def contents(files: ExchangeFiles) -> list[str]:
    return [path.read_text() for path in (files.problems, files.solutions, files.tests)]


@pytest.mark.parametrize("row", [CODECONTESTS.row, APPS_CALL.row, OPEN_R1.row], ids=lambda row: str(len(row)))
def test_every_kind_of_file_is_the_same_data(tmp_path: Path, row: dict[str, Any]) -> None:
    lines = write(tmp_path / "d.jsonl", row)
    expected = contents(exchanged(tmp_path, lines))
    array = tmp_path / "d.json"
    array.write_text(json.dumps([row], indent=1))
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(lines.read_bytes()))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "d.parquet")
    for name in ("d.json", "d.jsonl.gz", "d.parquet"):
        assert contents(exchanged(tmp_path, tmp_path / name)) == expected, name


def test_what_is_recognised_by_nothing_is_one_sentence_with_its_fields(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", {"prompt": "p", "answer": 3})
    with pytest.raises(
        FlywheelError, match=r"its fields are prompt, answer\. Known are .*humaneval"
    ) as caught:
        exchanged(tmp_path, data)
    assert "docs/execute-and-agree.md" in str(caught.value)
    samples = write(tmp_path / "s.jsonl", {"text": "def f(): ..."})
    with pytest.raises(FlywheelError, match=r"s.jsonl is not a file of solutions .* its fields are text"):
        exchanged(tmp_path, write(tmp_path / "h.jsonl", HUMANEVAL.row), samples)


def test_own_files_stay_where_they_are_and_need_each_other(tmp_path: Path) -> None:
    problems = write(tmp_path / "p.jsonl", {"problem_id": "a", "entry_point": "f"})
    solutions = write(tmp_path / "s.jsonl", {"problem_id": "a", "solution_id": 1, "code": ""})
    with pytest.raises(FlywheelError, match="is no published data set, so --tests FILE is needed"):
        exchange_files(problems, solutions, None, tmp_path, silent)
    files = exchange_files(problems, solutions, solutions, tmp_path, silent)
    assert files == ExchangeFiles(problems, solutions, solutions)


@pytest.mark.parametrize("data", [b"PAR1 and no more", b"\x1f\x8bno", b"[1, 2", b"[3]", b"", b"\xff{}"])
def test_broken_files_are_refused_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "d").write_bytes(data)
    with pytest.raises(FlywheelError, match=f"^{tmp_path}/d.*[^.]\\.$"):
        exchanged(tmp_path, tmp_path / "d")


def test_a_row_that_cannot_be_read_is_a_problem_that_says_so(tmp_path: Path) -> None:
    other = {**OPEN_R1.row, "problem_id": 7, "verification_info": {"language": "c++", "test_cases": []}}
    said: list[str] = []
    data = write(tmp_path / "d.jsonl", OPEN_R1.row, other)
    files = exchange_files(data, None, None, tmp_path, said.append)
    assert "2 problems, 1 solutions, 2 suites; 1 rows cannot be read, first" in said[0]
    suites = read_suites(files.tests, read_problems(files.problems))
    assert suites["7"][0].entries == ("its row in the data set cannot be read: its language is c++",)
    with pytest.raises(FlywheelError, match=r"no row of it can be read .*its language is c"):
        exchange_files(write(tmp_path / "e.jsonl", other), None, None, tmp_path, silent)


@pytest.mark.parametrize(
    ("row", "odd", "why"),
    [
        (TACO_STDIN.row, {"solutions": [None, "print(1)"]}, "'code' is missing"),
        (TACO_STDIN.row, {"solutions": '"print(1)"'}, "not a list"),
        (
            TACO_STDIN.row,
            {"input_output": '{"fn_name": "a.b", "inputs": [[1]], "outputs": [1]}'},
            "entry_point",
        ),
        (APPS_CALL.row, {"starter_code": 5}, "'starter_code' must be text"),
        (HUMANEVAL.row, {"test": None}, "'code' is missing"),
        (HUMANEVAL.row, {"entry_point": None}, "entry_point"),
    ],
)
def test_a_row_that_would_be_refused_later_costs_no_other(
    tmp_path: Path, row: dict[str, Any], odd: dict[str, Any], why: str
) -> None:
    files = exchanged(tmp_path, write(tmp_path / "d.jsonl", row, {**row, **odd}, row))
    problems = read_problems(files.problems)
    assert len(problems) == 3
    assert len([*read_solutions(files.solutions, problems)]) >= 2 * ("solutions" in row)
    reasons = [
        suites[0].entries[0]
        for suites in read_suites(files.tests, problems).values()
        if suites[0].suite.suite_id == "unread"
    ]
    assert len(reasons) == 1
    assert why in str(reasons[0])


def test_a_pickle_of_more_than_a_text_is_not_executed(tmp_path: Path) -> None:
    row = {**LIVECODEBENCH_STDIN.row, "private_test_cases": "eJwrTqksSS0uAQAOCQMv"}
    with pytest.raises(FlywheelError, match="no row of it can be read"):
        exchanged(tmp_path, write(tmp_path / "d.jsonl", row))


def test_a_data_set_without_solutions_asks_for_some(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", LIVECODEBENCH_STDIN.row)
    with pytest.raises(
        FlywheelError, match=r"d\.jsonl holds no solutions of its own: give some by --solutions"
    ):
        exchange_files(data, None, None, tmp_path, silent)
    assert len(convert_files(data, tmp_path / "out", None, silent)) == 3


def test_rows_without_ids_or_with_equal_ones_stay_apart(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", TACO_STDIN.row, TACO_STDIN.row)
    assert list(read_problems(exchanged(tmp_path, data).problems)) == ["0", "1"]
    data = write(tmp_path / "d.jsonl", SANITIZED_MBPP.row, SANITIZED_MBPP.row)
    assert list(read_problems(exchanged(tmp_path, data).problems)) == ["7002", "7002#1"]


def test_libraries_that_the_sandbox_lacks_are_named(tmp_path: Path) -> None:
    row = {
        **BIGCODEBENCH.row,
        "complete_prompt": "import pandas\nfrom numpy import sum\n\ndef task_func():\n",
    }
    files = exchanged(tmp_path, write(tmp_path / "d.jsonl", row))
    ((asked,),) = read_suites(files.tests, read_problems(files.problems)).values()
    assert asked.entries == ("needs pandas, which the sandbox does not have",)


def test_samples_of_harnesses_are_solutions(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", HUMANEVAL.row)
    samples = write(
        tmp_path / "s.jsonl",
        {"task_id": "HumanEval/900", "completion": "    return n + n + n\n"},
        {"task_id": "HumanEval/900", "completion": TRIPLE},
        {"task_id": "HumanEval/900", "solution": TRIPLE},
        {"question_id": "HumanEval/900", "code_list": [TRIPLE, "x"]},
        {"problem_id": "HumanEval/900", "solution_id": "named", "code": TRIPLE},
    )
    files = exchanged(tmp_path, data, samples)
    problems = read_problems(files.problems)
    assert count_solutions(files.solutions, problems) == 6
    found = {one.solution_id: one.code for one in read_solutions(files.solutions, problems)}
    assert found["0"] == HUMANEVAL.row["prompt"] + "    return n + n + n\n"
    assert [found[name] for name in ("1", "2", "3", "4", "named")] == [*[TRIPLE] * 3, "x", TRIPLE]


def test_convert_writes_the_three_files_and_shows_them(tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", CODECONTESTS.row)
    paths = convert_files(data, tmp_path / "out", None, silent)
    assert [path.name for path in paths] == ["problems.jsonl", "solutions.jsonl", "tests.jsonl"]
    assert {path.name for path in tmp_path.iterdir()} == {"d.jsonl", "out"}
    problems = read_problems(paths[0])
    assert count_solutions(paths[1], problems) == 2
    assert len(read_suites(paths[2], problems)["1_A. Sum"]) == 3
    assert json.loads(shown(paths[2]))["cases"] == [{"stdin": "1 2\n", "stdout": "3\n"}]
    with pytest.raises(FlywheelError, match="is there already: name a new folder"):
        convert_files(data, tmp_path / "out", None, silent)
    with pytest.raises(FlywheelError, match="is not a data set that is known"):
        convert_files(paths[0], tmp_path / "again", None, silent)
