"""Several processes that train together: one a GPU, told apart by the environment, as accelerate reads it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence

_POLL_S = 0.2


def rank_environment(rank: int, processes: int, port: int) -> dict[str, str]:
    """What makes a process number `rank` of `processes` on this machine."""
    return {
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": str(max(1, int(os.environ.get("OMP_NUM_THREADS", "1")) // processes)),
    }


def run_ranks(command: Sequence[str], processes: int, lifeline: int) -> tuple[int, int] | None:
    """Start a process a rank, all in this process's group, and wait for them.

    Returns None when all succeed. When one fails the others are ended, since they would wait for it forever,
    and its rank and code are returned: of several that failed at once one that a signal ended, since the
    rest may have failed for want of it.
    """
    port = _free_port()
    ranks = [
        subprocess.Popen(command, env=rank_environment(rank, processes, port), pass_fds=(lifeline,))
        for rank in range(processes)
    ]
    try:
        while True:
            codes = [rank.poll() for rank in ranks]
            failed = [(code, rank) for rank, code in enumerate(codes) if code]
            if failed:
                code, rank = min(failed)
                return rank, code
            if None not in codes:
                return None
            time.sleep(_POLL_S)
    finally:
        for process in ranks:
            if process.poll() is None:
                process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
