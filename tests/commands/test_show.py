from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flows.commands.show import show_report, show_table
from tasks.core.errors import FlywheelError
from tasks.core.records import Sample
from tasks.core.rows import Dropped
from tasks.pipeline.workspace import Workspace

ROWS = [
    Dropped("agree", "problem", str(i), f"p/{i}", "too few votes", "line one\nline two") for i in range(3)
]


@pytest.fixture
def root(tmp_path: Path) -> str:
    workspace = Workspace(tmp_path / "w")
    for name in ("zeta", "agree"):
        with workspace.stage(1, name, f"key-{name}", {}, {}) as stage:
            stage.write("dropped", Dropped, ROWS)
    return str(workspace.root)


def test_tables_are_listed_in_the_order_they_were_made(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_report("0", root, json_output=False)
    text = capsys.readouterr().out
    assert "not finished" in text
    assert text.index("| zeta/dropped | 3 |") < text.index("| agree/dropped | 3 |")


def test_rows_are_shown_to_people_and_to_programs(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_table("1", root, "agree/dropped", 2, json_output=False)
    text = capsys.readouterr().out
    assert "agree/dropped: 2 of 3 rows" in text
    assert "| problem | too few votes | 3 |" in text
    assert "line one\nline two" in text
    show_table("1", root, "dropped", None, json_output=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["table"] for line in lines] == ["zeta/dropped"] * 3 + ["agree/dropped"] * 3
    assert lines[0]["reason"] == "too few votes"


def test_json_has_every_row_unless_fewer_are_asked_for_and_then_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(tmp_path / "w")
    with workspace.stage(1, "agree", "key", {}, {}) as stage:
        stage.write("dropped", Dropped, [replace(ROWS[0], record_id=str(n)) for n in range(64)])
    show_table("1", str(workspace.root), "dropped", None, json_output=True)
    said = capsys.readouterr()
    assert [json.loads(line)["record_id"] for line in said.out.splitlines()] == list(map(str, range(64)))
    assert said.err == ""
    show_table("1", str(workspace.root), "dropped", 6, json_output=True)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 6
    assert said.err == "agree/dropped: 6 of 64 rows, as --rows says\n"
    show_table("1", str(workspace.root), "dropped", None, json_output=False)
    assert "agree/dropped: 20 of 64 rows" in capsys.readouterr().out


@pytest.mark.parametrize("tables", [1, 7])
def test_six_rows_of_long_texts_fit_on_some_screens(
    tables: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(tmp_path / "w")
    prompt = "\n".join(f"line {n} {'of a worked example ' * 30}" for n in range(60))
    for number in range(tables):
        with workspace.stage(1, f"sample-{number}", f"key-{number}", {}, {}) as stage:
            rows = [
                Sample(f"s{n}", "p", "solver", n, f"{prompt}\nthe end {n}", "x\n" * 99, "stop", 0, 9)
                for n in range(8)
            ]
            stage.write("samples", Sample, rows)
    show_table("1", str(workspace.root), "samples", 6, json_output=False)
    text = capsys.readouterr().out
    assert sum(line.startswith("row ") for line in text.splitlines()) == 6
    assert "the end 0" in text
    assert len(text.splitlines()) < 40 * 6


def test_a_tables_rows_of_one_problem(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_table("1", root, "agree/dropped", None, json_output=True, problem_id="p/2")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["problem_id"] == "p/2"


def test_what_does_not_exist_is_named(root: str) -> None:
    with pytest.raises(FlywheelError, match="no iteration 7: 1 exist"):
        show_report("7", root, json_output=False)
    with pytest.raises(FlywheelError, match="no table 'x': zeta/dropped"):
        show_table("1", root, "x", 5, json_output=False)
    with pytest.raises(FlywheelError, match="agree/dropped hold no row of a problem 'p/9'"):
        show_table("1", root, "agree/dropped", None, json_output=False, problem_id="p/9")


def test_what_is_damaged_is_named(root: str) -> None:
    folder = Workspace(root).iteration_folder(1)
    path = folder / "agree-key-agree" / "dropped.parquet"
    path.write_text("no table")
    with pytest.raises(FlywheelError, match=r"dropped\.parquet is gone or damaged"):
        show_table("1", root, "agree/dropped", 5, json_output=False)
    path.unlink()
    with pytest.raises(FlywheelError, match=r"dropped\.parquet is gone or damaged"):
        show_table("1", root, "agree/dropped", 5, json_output=False)
    for content in ("{", "{}", "[]"):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(FlywheelError, match=r"manifest\.json is damaged"):
            show_report("1", root, json_output=False)
