"""The pages under docs/ say what is: generated ones are up to date, links lead somewhere, examples run."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from flows.commands.agree import agree_files
from flows.commands.convert import convert_files
from flows.commands.execute import execute_files
from flows.commands.settings import settings_by_section, settings_markdown
from tasks.core.errors import FlywheelError
from tasks.execution.asked_problems import PRELUDE
from tasks.execution.converters import CONVERTERS
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings, preset_names

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_settings_page_is_what_the_settings_say() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_markdown(), "run `make docs`"


def test_every_setting_is_on_the_page_with_a_sentence() -> None:
    sections = settings_by_section()
    defaults = IterationSettings().model_dump()
    assert {name for name, value in defaults.items() if isinstance(value, dict)} | {""} == sections.keys()
    for section, settings in sections.items():
        held = defaults[section] if section else defaults
        assert {s.name for s in settings} == {n for n in held if section or n not in sections}
        assert all(s.description.endswith((".", ")")) and s.allowed for s in settings), section


def test_one_section_is_its_table_and_an_unknown_one_is_refused() -> None:
    assert "| `gate.tolerance` | `0.03` | from 0 to 1 |" in settings_markdown("gate")
    with pytest.raises(FlywheelError, match="no settings called 'gates': choose among model, engine"):
        settings_markdown("gates")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    local = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_that_a_page_names_exist(page: Path) -> None:
    sections = {s: {one.name for one in settings} for s, settings in settings_by_section().items() if s}
    named = re.findall(rf"`({'|'.join(sections)})\.(\w+)", page.read_text())
    assert [f"{s}.{name}" for s, name in named if name not in sections[s] and name != "py"] == []


@pytest.mark.docker
def test_examples_of_execute_and_agree_give_what_the_page_says(tmp_path: Path) -> None:
    settings = load_settings()

    def files(command: str) -> tuple[Path, Path, Path]:
        folder = ROOT / "examples" / command
        return folder / "problems.jsonl", folder / "solutions.jsonl", folder / "tests.jsonl"

    out = tmp_path / "verdicts.jsonl"
    execute_files(*files("execute"), out, settings.sandbox, lambda _: None)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    passed = {row["solution_id"]: True for row in rows}
    for row in rows:
        passed[row["solution_id"]] &= row["passed"]
    assert [name for name, right in passed.items() if right] == ["median/right", "word-count/right"]
    details = {(row["solution_id"], row["suite_id"]): row["cases"][-1]["detail"] for row in rows}
    assert details["median/unsorted", "median/cases"] == "returned 1, expected 5"

    out = tmp_path / "decisions.jsonl"
    agree_files(*files("agree"), out, settings.sandbox, settings.agreement, lambda _: None)
    (decision,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert (decision["kept"], decision["votes"]) == (True, 5)
    assert decision["chosen"] == ["a", "b", "c", "f", "g"]


def passed_by(path: Path) -> list[str]:
    """The ids of the solutions that pass every suite of their problem."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    passed: dict[str, bool] = {}
    for row in rows:
        name = f"{row['problem_id']} {row['solution_id']}"
        passed[name] = passed.get(name, True) and row["passed"]
    return [name for name, right in passed.items() if right]


@pytest.mark.docker
def test_examples_of_comparisons_and_data_sets_give_what_the_page_says(tmp_path: Path) -> None:
    settings, out = load_settings(), tmp_path / "verdicts.jsonl"
    folder = ROOT / "examples" / "checker"
    files = folder / "problems.jsonl", folder / "solutions.jsonl", folder / "tests.jsonl"
    execute_files(*files, out, settings.sandbox, lambda _: None)
    assert passed_by(out) == [
        "split one and the rest",
        "split halves",
        "mean nine digits",
        "chain right",
        "pairs backwards",
    ]
    folder = ROOT / "examples" / "published"
    data, samples = folder / "humaneval.jsonl", folder / "humaneval-samples.jsonl"
    execute_files(data, samples, None, out, settings.sandbox, lambda _: None)
    assert passed_by(out) == ["Own/0 0", "Own/1 0"]
    execute_files(folder / "leetcode.jsonl", None, None, out, settings.sandbox, lambda _: None)
    assert passed_by(out) == ["our-list-backwards completion", "our-tree-mirror completion"]


def test_the_prelude_is_what_the_page_says() -> None:
    page = (ROOT / "docs" / "execute-and-agree.md").read_text()
    named = page.partition("`from M import *` for ")[2].partition(", in this order")[0]
    modules = re.split(r",\s+|\s+and\s+", named)
    assert PRELUDE.startswith("".join(f"from {name} import *\n" for name in modules))
    assert "".join(f"import {name}\n" for name in modules[:-2]) in PRELUDE
    assert "sys.setrecursionlimit(50000)\n" in PRELUDE


def test_every_data_set_that_the_page_names_has_an_example_and_converts(tmp_path: Path) -> None:
    folder = ROOT / "examples" / "published"
    for converter in CONVERTERS:
        said: list[str] = []
        convert_files(folder / f"{converter.name}.jsonl", tmp_path / converter.name, None, said.append)
        assert f"is {converter.about}: " in said[0]
        assert "cannot be read" not in said[0]


def test_the_example_configuration_fits_its_preset() -> None:
    file = ROOT / "examples" / "another-model.toml"
    settings = load_settings("gpu-1b", file)
    assert settings.model.name == tomllib.loads(file.read_text())["model"]["name"]
    assert "gpu-1b" in preset_names()
