"""`flywheel agree` on raw answers of a chatty model: seconds a problem, and memory that does not grow.

    python benchmarks/agreement_files.py [problems]

Each problem has 100 solutions and 100 suites, in fences and prose; a suite has thirty lines of asserts and
junk: half lines, comments, prints, helper variables, assertions about other functions. Runs a quarter of the
problems first, then all; needs Docker.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BODIES = ["sorted(xs)[-k:]", "sorted(xs)[:k]", "xs[:k]", "sorted(xs, reverse=True)[:k]", "xs[k]", "max(xs)"]
JUNK = [
    "Here are some more tests for the edge cases:",
    "# an empty list",
    "print(largest([1, 2], 1))",
    "assert largest([3, 1, 2], ",
    "result = largest([5, 6, 7], 2)",
    "assert result == [6, 7]",
    "assert helper([1]) == 1",
    "assert largest(undefined, 1) == 2",
    "1. The function should return a list",
    "assert len(largest([4, 4, 4], 2)) == 2",
    '"""',
    "```",
    "```python",
    "for i in range(3):",
    "    assert largest([i], 1) == [i]",
]


def solution(rng: random.Random) -> str:
    body = rng.choices(BODIES, [8, 4, 3, 3, 2, 1])[0]
    code = f"def largest(xs, k):\n    return {body}  # {rng.randrange(20)}\n"
    return code if rng.random() < 0.5 else f"Sure! Here it is:\n```python\n{code}```\nHope it helps."


def suite(rng: random.Random, lines: int) -> str:
    text = []
    for _ in range(lines):
        if rng.random() < 0.35:
            text.append(rng.choice(JUNK))
            continue
        xs = [rng.randrange(40) for _ in range(rng.randrange(1, 6))]
        k = rng.randrange(1, 4)
        wanted = sorted(xs)[-k:] if rng.random() < 0.6 else xs[:k]
        text.append(f"assert largest({xs}, {k}) == {wanted}")
    return "\n".join(text)


def write_files(folder: Path, problems: int) -> list[str]:
    with (
        (folder / "problems.jsonl").open("w") as of_problems,
        (folder / "solutions.jsonl").open("w") as of_solutions,
        (folder / "tests.jsonl").open("w") as of_tests,
    ):
        for number in range(problems):
            rng, problem_id = random.Random(number), f"p{number}"
            print(json.dumps({"problem_id": problem_id, "entry_point": "largest"}), file=of_problems)
            for i in range(100):
                row = {"problem_id": problem_id, "solution_id": f"s{i}", "code": solution(rng)}
                print(json.dumps(row), file=of_solutions)
                row = {"problem_id": problem_id, "suite_id": f"t{i}", "code": suite(rng, 30)}
                print(json.dumps(row), file=of_tests)
    names = ("problems", "solutions", "tests")
    return [part for name in names for part in (f"--{name}", str(folder / f"{name}.jsonl"))]


def main() -> None:
    problems = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    for count in (max(1, problems // 4), problems):
        with tempfile.TemporaryDirectory() as name:
            out = Path(name) / "out.jsonl"
            command = [sys.executable, "-m", "flows.cli", "agree", *write_files(Path(name), count)]
            started = time.monotonic()
            subprocess.run([*command, "--out", str(out)], cwd=ROOT, check=True)
            seconds = time.monotonic() - started
            peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"{count} problems of 100 x 100: {seconds / count:.1f} s a problem, peak RSS "
                f"{peak_mb:.0f} MiB, {out.stat().st_size / count / 1024:.0f} KiB of output each"
            )


if __name__ == "__main__":
    main()
