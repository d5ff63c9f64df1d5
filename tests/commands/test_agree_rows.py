"""`flywheel agree --rows`: what is kept as rows for a trainer elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.execution.test_exchange import write
from tests.flows.test_cli import flywheel

RIGHT = [
    "def sign(x):\n    return (x > 0) - (x < 0)\n",
    "def sign(x):\n    return x and (1 if x > 0 else -1)\n",
]
WRONG = ["def sign(x):\n    return 1 if x > 0 else -1\n", "def sign(x):\n    return 1 / 0\n"]
GOOD = "assert sign(5) == 1\nassert sign(-2) == -1\nassert sign(0) == 0\n"
BAD = "assert sign(3) == 1\nassert sign(-3) == -1\nassert sign(0) == 1\n"


@pytest.mark.docker
def test_rows_are_the_answers_as_they_came(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answers = [
        *(f"Think.\n```python\n{RIGHT[0]}# {n}\n```\nDone." for n in range(3)),
        *(f"```python\n{RIGHT[1]}# {n}\n```" for n in range(3)),
        *(f"```python\n{code}```" for code in WRONG),
    ]
    tests = [f"Tests:\n```python\n{GOOD}```", f"```python\n{BAD}```", GOOD]
    paths = [
        write(tmp_path / "p.jsonl", {"problem_id": 7, "statement": "The sign of x.", "entry_point": "sign"}),
        write(
            tmp_path / "s.jsonl",
            *({"problem_id": 7, "solution_id": n, "code": code} for n, code in enumerate(answers)),
        ),
        write(
            tmp_path / "t.jsonl",
            *({"problem_id": 7, "suite_id": n, "code": code} for n, code in enumerate(tests)),
        ),
    ]
    names = ("--problems", "--solutions", "--tests")
    options = [str(part) for pair in zip(names, paths, strict=True) for part in pair]
    options += ["--out", str(tmp_path / "out.jsonl"), "--rows", str(tmp_path / "rows")]
    code, text = flywheel(monkeypatch, capsys, "agree", *options)
    assert code == 0, text
    sft, pairs = (
        [json.loads(line) for line in (tmp_path / "rows" / name).open()]
        for name in ("sft.jsonl", "pairs.jsonl")
    )

    def told(row: dict[str, Any], side: str) -> str:
        ((message),) = row[side]
        assert message["role"] == "assistant"
        return str(message["content"])

    by_role = {role: [row for row in sft if row["role"] == role] for role in ("solver", "verifier")}
    assert {told(row, "completion") for row in by_role["solver"]} <= {*answers[:6]}
    assert {told(row, "completion") for row in by_role["verifier"]} <= {tests[0], tests[2]}
    assert all(by_role.values())
    assert all("The sign of x." in row["prompt"][-1]["content"] for row in (*sft, *pairs))
    for pair in pairs:
        right, wrong = (answers[:6], answers[6:]) if pair["role"] == "solver" else (tests, [tests[1]])
        assert told(pair, "chosen") in right
        assert told(pair, "rejected") in wrong
    assert {pair["role"] for pair in pairs} == {"solver", "verifier"}
    assert pairs[0]["sources"][0].startswith("7/")
    code, text = flywheel(monkeypatch, capsys, "agree", *options)
    assert code == 1
    assert "is there already: name a new folder" in text
