"""Writes what evalplus holds for MBPP+'s expected values. Runs in the peers' environment:

    MBPP_OVERRIDE_PATH=mbpp-plus.jsonl .venv-peers/bin/python benchmarks/mbpp_expected.py OUT.jsonl.xz

One line a task: {"task_id", "base": [text, ..], "plus": [text, ..]}, the values as `tasks.core.values` writes
them, lists that are too large to travel as their digests.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evalplus.data import get_mbpp_plus
from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS
from evalplus.gen.util import trusted_exec

from sandbox_image import plain

DIGEST_ABOVE = 256 << 10


def text_of(value: Any) -> str:
    try:
        return plain.encode(value, DIGEST_ABOVE)
    except plain.TooLarge:
        return plain.digest(value)


def main() -> None:
    with lzma.open(sys.argv[1], "wt", encoding="ascii") as file:
        for task_id, task in get_mbpp_plus().items():
            row: dict[str, Any] = {"task_id": task_id}
            for part in ("base", "plus"):
                found = trusted_exec(
                    task["prompt"] + task["canonical_solution"],
                    task[f"{part}_input"],
                    task["entry_point"],
                    output_not_none=task["entry_point"] in MBPP_OUTPUT_NOT_NONE_TASKS,
                )
                row[part] = [text_of(value) for value in found]
            file.write(json.dumps(row, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
