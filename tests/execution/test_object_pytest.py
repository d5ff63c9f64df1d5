"""Verdicts of tests of classes, objects and functions against pytest itself, by the hundred: what it passes
we pass, what it fails we do not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tasks.execution.determinism import SandboxPair
from tests.execution.object_families import FAMILIES, Family
from tests.support.plain_pytest import passed_by_pytest, passed_here

PAIRS, SOAK_PAIRS = 300, 1200
AGREE = 0.995


def suite_of(family: Family, rng: random.Random) -> str:
    """A file of some of a family's tests, as functions or as methods of a class."""
    bodies = rng.sample(family.tests, rng.randint(1, min(3, len(family.tests))))
    tests = []
    in_class = rng.random() < 0.3
    for number, body in enumerate(bodies):
        head = f"def test_{number}({'self' if in_class else ''}):\n"
        lines = "".join(f"    {line}\n" for line in body.split("\n"))
        text = head + lines
        tests.append("".join(f"    {line}\n" for line in text.splitlines()) if in_class else text)
    body = "\n".join(tests)
    return f"{family.imports}\n\n" + (f"class TestAll:\n{body}" if in_class else body)


def compared(
    seeds: SandboxPair, folder: Path, family: Family, pairs: int, seed: int
) -> tuple[list[str], int]:
    """What differs between pytest and the sandbox, and how many pairs there were."""
    rng = random.Random(seed)
    solutions = family.solutions()
    suites = [suite_of(family, rng) for _ in range(-(-pairs // len(solutions)))]
    expected = passed_by_pytest(folder, suites, solutions)
    found = passed_here(seeds, suites, solutions, family.entry_point)
    assert 0 < sum(expected.values()) < len(expected)
    differs = [
        f"{'FALSE PASS' if found[key] else 'refused'} {key[1]}\n{suites[key[0]]}"
        for key, passes in expected.items()
        if found[key] != passes
    ]
    return differs, len(expected)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.entry_point)
def test_suites_of_objects_pass_where_they_pass_in_pytest(
    seeds: SandboxPair, tmp_path: Path, family: Family
) -> None:
    differs, _ = compared(seeds, tmp_path, family, PAIRS // len(FAMILIES), 18)
    assert differs == []


@pytest.mark.soak
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.entry_point)
def test_a_thousand_suites_of_objects_pass_where_they_pass_in_pytest(
    seeds: SandboxPair, tmp_path: Path, family: Family
) -> None:
    differs, count = compared(seeds, tmp_path, family, SOAK_PAIRS // len(FAMILIES), 180)
    assert count >= SOAK_PAIRS // len(FAMILIES)
    assert not [one for one in differs if one.startswith("FALSE")]
    assert len(differs) <= (1 - AGREE) * count, "\n\n".join(differs[:5])
