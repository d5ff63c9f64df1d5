"""Programs a second through the sandbox with everything on, against the cheapest fork that could do it.

    python benchmarks/sandbox_throughput.py [--programs 4000] [--flat 0] [--slots 2]

Prints, in one run on the same cores: programs/s, the overhead of a program (time that it held its slot
less the time of its calls), the limit set by a bare fork with the image's own interpreter (one forking
process a core; no container limits, no seccomp filter, no transport), who spends the CPU time, CPU time a
program at one slot and at all, and with `--flat N` the memory of supervisors and driver over N programs.
Every program is distinct; a program is 10 calls, one pass (`tasks.execution.step` adds the second).
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.core import values
from tasks.core.records import Call, Program
from tasks.sandbox import pool as engine
from tasks.sandbox.image import docker_client, ensure_image
from tasks.sandbox.pool import DockerSandbox
from tasks.sandbox.worker import Pending
from tasks.settings.sandbox import SandboxSettings

CODE = """
def f(xs):
    out = []
    for i, x in enumerate(sorted(xs)):
        out.append(x * i)
    return out
# {number}
"""
CALLS = tuple(Call("f", values.encode([[list(range(i, i + 10))], {}])) for i in range(10))
TICKS = os.sysconf("SC_CLK_TCK")
BARE_FORK = """
import gc, os, resource, sys, time
source, count, processes = {source!r}, {count}, {processes}
calls = [list(range(i, i + 10)) for i in range(10)]
limits = [(getattr(resource, "RLIMIT_" + name), value) for name, value in (
    ("CPU", 3), ("AS", 1 << 30), ("NPROC", 16), ("FSIZE", 1 << 20), ("NOFILE", 64), ("CORE", 0))]
def program(number):
    namespace = {{}}
    exec(compile(source.format(number=number), "<solution>", "exec"), namespace)
    for xs in calls:
        namespace["f"](list(xs))
def serve():
    program(-1)
    gc.freeze()
    gc.disable()
    for number in range(count):
        pid = os.fork()
        if not pid:
            os.setsid()
            for limit, value in limits:
                resource.setrlimit(limit, (value, value))
            os.setresgid(60001, 60001, 60001)
            os.setresuid(*3 * (20000 + number,))
            program(number)
            os._exit(0)
        os.waitpid(pid, 0)
started = time.perf_counter()
for _ in range(processes):
    if not os.fork():
        serve()
        os._exit(0)
for _ in range(processes):
    os.wait()
wall = time.perf_counter() - started
times = os.times()
print(wall, times.children_user + times.children_system)
"""


class TimedSlot(engine.Slot):
    """Notes how long each answer held its slot."""

    held_ms: list[float] = []  # noqa: RUF012 - one list for all slots

    def collect(self, moved: list[Pending]) -> None:
        since = self.since
        super().collect(moved)
        if moved:
            each = (self.since - since) * 1e3 / len(moved)
            self.held_ms += [each] * len(moved)


@dataclass
class Cpu:
    """CPU seconds so far: of the driver, of the containers, of the Docker daemon and its shims."""

    driver: float
    containers: float
    daemon: float

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.driver - other.driver, self.containers - other.containers, self.daemon - other.daemon)

    @property
    def total(self) -> float:
        return self.driver + self.containers + self.daemon


def main_pids(sandbox: DockerSandbox) -> list[int]:
    return [
        int(slot.container._api.inspect_container(slot.container.id)["State"]["Pid"])
        for slot in sandbox._slots
    ]


def daemon_pid() -> int:
    """Whoever listens on Docker's socket."""
    path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(path)
        return int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), sys.byteorder)


def stat_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def process_cpu_s(pid: int) -> float:
    return sum(map(int, stat_of(pid)[11:13])) / TICKS


def cgroup_cpu_s(pid: int) -> float:
    """CPU seconds of a container, from its cgroup (either version)."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        v1 = Path("/sys/fs/cgroup/cpuacct" + path, "cpuacct.usage")
        if "cpuacct" in controllers.split(",") and v1.exists():
            return int(v1.read_text()) * 1e-9
        v2 = Path("/sys/fs/cgroup" + path, "cpu.stat")
        if not controllers and v2.exists():
            return int(v2.read_text().split()[1]) * 1e-6
    raise SystemExit("the container's CPU time cannot be read here")


def read_cpu(pids: list[int], daemon: int) -> Cpu:
    shims = {int(stat_of(pid)[1]) for pid in pids}
    return Cpu(
        time.process_time(),
        sum(map(cgroup_cpu_s, pids)),
        sum(map(process_cpu_s, shims | {daemon})),
    )


def resident_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def programs(count: int) -> Iterator[Program]:
    return (Program(str(number), CODE.format(number=number), "f", CALLS) for number in range(count))


@dataclass
class Measured:
    rate: float
    cpu: Cpu
    overhead_ms: list[float]
    memory_kb: list[list[int]]


def measure(image: str, slots: int, count: int) -> Measured:
    """`count` programs through `slots` warm containers; memory sampled ten times on the way."""
    settings = SandboxSettings(slots=slots, recycle_after=1_000_000)
    with DockerSandbox(settings, image, "performance") as sandbox:
        while len(sandbox._slots) < slots:
            sandbox._admit(wait=True)
        for _ in sandbox.run(programs(200)):
            pass
        pids, daemon = main_pids(sandbox), daemon_pid()
        memory, calls_ms, wrong = [], 0.0, 0
        TimedSlot.held_ms.clear()
        before, start = read_cpu(pids, daemon), time.perf_counter()
        for number, done in enumerate(sandbox.run(programs(count))):
            calls_ms += sum(outcome.wall_ms for outcome in done.calls)
            wrong += sum(outcome.kind != "value" for outcome in done.calls)
            if number % max(1, count // 10) == 0:
                memory.append([resident_kb(pid) for pid in (*pids, os.getpid())])
        wall = time.perf_counter() - start
        cpu = read_cpu(pids, daemon) - before
    if wrong:
        raise SystemExit(f"{wrong} outcomes of {count} programs are no value")
    mean_calls_ms = calls_ms / count
    return Measured(count / wall, cpu, [ms - mean_calls_ms for ms in TimedSlot.held_ms], memory)


def bare_fork(image: str, processes: int, count: int) -> tuple[float, float]:
    """Programs/s and CPU ms a program of forks that do the same work, one forking process a core."""
    script = BARE_FORK.format(source=CODE, count=count // processes, processes=processes)
    client = docker_client()
    output = client.containers.run(
        image,
        ["-c", script],
        entrypoint=["python3", "-S", "-E"],
        network_mode="none",
        security_opt=["seccomp=unconfined"],
        remove=True,
    )
    client.close()
    wall, cpu = map(float, output.split())
    return count / wall, cpu / count * 1e3


def describe(measured: Measured, count: int) -> str:
    cpu, each = measured.cpu, 1e3 / count
    parts = ", ".join(
        f"{name} {spent * each:.2f} ({spent / cpu.total:.0%})"
        for name, spent in (
            ("containers", cpu.containers),
            ("driver", cpu.driver),
            ("dockerd and shims", cpu.daemon),
        )
    )
    return f"{cpu.total * each:.2f} ms a program: {parts}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=4000)
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--flat", type=int, default=0, help="programs over which memory is watched")
    options = parser.parse_args()
    engine.Slot = TimedSlot  # type: ignore[misc]
    image, count, slots = ensure_image(print), options.programs, options.slots
    print(f"{image}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")

    limit, limit_ms = bare_fork(image, slots, count)
    full = measure(image, slots, count)
    one = measure(image, 1, count)
    again, again_ms = bare_fork(image, slots, count)
    limit, limit_ms = max(limit, again), min(limit_ms, again_ms)

    held = statistics.quantiles(full.overhead_ms, n=100)
    print(f"{slots} slots: {full.rate:.0f} programs/s of {len(CALLS)} calls, one pass")
    print(f"overhead a program: p50 {held[49]:.2f} ms, p99 {held[98]:.2f} ms")
    print(f"bare fork on {slots} cores: {limit:.0f} programs/s ({limit_ms:.2f} ms of CPU a program)")
    print(f"limit / sandbox: {limit / full.rate:.2f}")
    print(f"CPU at {slots} slots: {describe(full, count)}")
    print(f"CPU at 1 slot: {describe(one, count)}; {one.rate:.0f} programs/s")
    print(f"scaling, containers' CPU at {slots} slots / at 1: {full.cpu.containers / one.cpu.containers:.2f}")
    if options.flat:
        flat = measure(image, slots, options.flat)
        for name, at in [*((f"supervisor {at}", at) for at in range(slots)), ("driver", -1)]:
            sizes = [row[at] for row in flat.memory_kb]
            print(f"{name}: {sizes[1]} kB after 10 %, {sizes[-1]} kB after 90 % of {options.flat} programs")


if __name__ == "__main__":
    main()
