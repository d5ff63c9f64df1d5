"""Recipes of docs/extending.md, followed from a folder outside the package: a benchmark and a filter rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.runtime.checks import check_decides
from tasks.benchmarks import registry
from tasks.core.errors import FlywheelError
from tasks.filtering import decide
from tasks.settings.agreement import AgreementSettings
from tasks.settings.iteration import IterationSettings
from tasks.settings.sandbox import SandboxSettings

EXAMPLES = Path(__file__).parents[1] / "examples"


def install(folder: Path, package: str, groups: dict[str, dict[str, str]]) -> None:
    """What pip leaves of a package in `folder` for others to find it by: its name and its entry points."""
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    sections = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in groups.items()
    )
    (info / "entry_points.txt").write_text("\n".join(sections))


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The registries look for packages again, and forget them at the end."""
    caches = (registry.benchmarks, registry.rules, decide.rules)
    for found in caches:
        found.cache_clear()
    yield
    for found in caches:
        found.cache_clear()


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: None) -> Path:
    """A folder on the path with the example package, as an installation leaves it."""
    project = tomllib.loads((EXAMPLES / "plugins" / "pyproject.toml").read_text())["project"]
    (tmp_path / "word_games").symlink_to(EXAMPLES / "plugins" / "word_games")
    install(tmp_path, project["name"], project["entry-points"])
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_benchmark_of_another_package_is_one_of_ours(plugins: Path) -> None:
    problems = registry.load_benchmark("word-games")
    assert {problem.split for problem in problems} == {"dev", "test"}
    assert "word-games" in registry.at_hand()
    check_decides(IterationSettings(evaluation={"benchmarks": ["word-games"]}))
    assert registry.limits_for(["word-games"], SandboxSettings()) == SandboxSettings()


@pytest.mark.docker
def test_a_rule_of_another_package_decides(plugins: Path, tmp_path: Path) -> None:
    out = tmp_path / "decisions.jsonl"
    files = [f"--{name}={EXAMPLES / 'agree' / name}.jsonl" for name in ("problems", "solutions", "tests")]
    path = os.pathsep.join([str(plugins), str(EXAMPLES.parent)])
    command = [sys.executable, "-m", "flows.cli", "agree", *files, "--out", str(out), "--rule", "majority"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (decision,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert (decision["rule"], decision["kept"], decision["votes"]) == ("majority", True, 5)


def test_a_rule_that_nobody_registered_is_one_sentence(forgotten: None) -> None:
    with pytest.raises(FlywheelError, match=r"no rule is called 'vote': choose among consensus, paper\.$"):
        decide.rule_of(AgreementSettings(rule="vote"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("nowhere_at_all:RULE", "cannot be imported .*ModuleNotFoundError"),
        ("json:loads", r"is no tasks\.filtering\.rules\.base\.FilterRule"),
        ("tasks.filtering.rules.paper:RULE", "calls itself 'paper', and so does another"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: None, value: str, words: str
) -> None:
    install(tmp_path, "somebodys", {decide.GROUP: {"theirs": value}})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(FlywheelError, match=f"(?s)somebodys.*{words}|{words}.*somebodys"):
        decide.rule_of(AgreementSettings())
