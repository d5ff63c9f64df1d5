"""What the kernel knows of the running program: CPU time, time spent waiting for a CPU, OOM kills.

One program runs in the container at a time, so the container's own counters are the program's. Where
they cannot be read (another cgroup layout, another kernel) the counters of single processes serve.
"""

from __future__ import annotations

import math
import os
import time

CPU_COUNTERS = (("/sys/fs/cgroup/cpu.stat", 1e-6), ("/sys/fs/cgroup/cpuacct/cpuacct.usage", 1e-9))
PROCESS_COUNTERS = ("/sys/fs/cgroup/pids.current", "/sys/fs/cgroup/pids/pids.current")
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


class CpuMeter:
    """CPU seconds of everything in the container; `read` is one system call."""

    def __init__(self) -> None:
        self.fd, self.unit = -1, 0.0
        for path, unit in CPU_COUNTERS:
            try:
                self.fd, self.unit = os.open(path, os.O_RDONLY), unit
            except OSError:
                continue
            break

    def read(self) -> float:
        """CPU seconds so far, of all processes that ever ran in the container; 0.0 where unknown."""
        try:
            # "usage_usec 123\n.." or "123\n"
            return int(os.pread(self.fd, 64, 0).split(b"\n")[0].split()[-1]) * self.unit
        except (OSError, ValueError, IndexError):
            return 0.0


class ProcessCounter:
    """Whether PID 1 is alone in the container: one system call, where the kernel counts processes."""

    def __init__(self) -> None:
        self.fd = -1
        for path in PROCESS_COUNTERS:
            try:
                self.fd = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            break

    def alone(self) -> bool:
        """False where it cannot be known."""
        try:
            return os.pread(self.fd, 16, 0) == b"1\n"
        except OSError:
            return False


def cpu_of(pid: int) -> float:
    """CPU seconds of a live process, all its threads."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def waited_for_cpu() -> float:
    """Seconds that the program's live processes were ready to run without a CPU, the most hindered thread
    of each; infinite while one of them is ready to run or runs; 0.0 where unknown."""
    waited = 0.0
    for process in [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]:
        longest = 0
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                folder = f"/proc/{process}/task/{thread}"
                with open(f"{folder}/stat") as stat, open(f"{folder}/schedstat") as schedstat:
                    if stat.read().rpartition(") ")[2].startswith("R"):
                        return math.inf
                    longest = max(longest, int(schedstat.read().split()[1]))
        except (OSError, ValueError, IndexError):
            # It ends as we look.
            pass
        waited += longest * 1e-9
    return waited


class OomCounter:
    """Processes that the container's memory limit has killed; `read` is one system call."""

    def __init__(self) -> None:
        self.fd = -1
        for path in OOM_COUNTERS:
            try:
                self.fd = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            break

    def read(self) -> int:
        """How many so far; -1 where that cannot be known."""
        try:
            # "..\noom_kill 3\n..", on cgroup v2 "oom_group_kill 0" as well.
            return int(os.pread(self.fd, 512, 0).partition(b"oom_kill ")[2].split()[0])
        except (OSError, ValueError, IndexError):
            return -1
