"""What a fresh machine installs: exact versions, all of them within the bounds of pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
PIN = re.compile(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)")


@pytest.mark.parametrize("extra", ["cpu", "base"])
def test_a_fresh_machine_gets_versions_within_the_bounds(extra: str) -> None:
    lines = (REPOSITORY / "deployments" / f"constraints-{extra}.txt").read_text().splitlines()
    found = [PIN.fullmatch(line) for line in lines]
    assert all(found), "a line is no `name==version`"
    pins = {canonicalize_name(match[1]): match[2] for match in found if match}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["dev"], *(extras[extra] if extra != "base" else [])]
    for text in wanted:
        requirement = Requirement(text)
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, text
