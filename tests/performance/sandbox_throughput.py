"""Programs a second through the sandbox, and the CPU time that one costs.

    python tests/performance/sandbox_throughput.py [programs]

Wall clocks mean little on a busy machine: the CPU time of the driver and, with cgroup v1, of the
containers is printed beside, and that of a bare fork of this interpreter for comparison.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tasks import values
from tasks.engines.image import ensure_image
from tasks.engines.sandbox import DockerSandbox
from tasks.records import Call, Program
from tasks.settings import SandboxSettings

CODE = """
def f(xs):
    out = []
    for i, x in enumerate(sorted(xs)):
        out.append(x * i)
    return out
# {number}
"""
CALLS = tuple(Call("f", values.encode([[list(range(i, i + 10))], {}])) for i in range(10))


def container_cpu_s(sandbox: DockerSandbox) -> float:
    total = 0.0
    for slot in sandbox._slots:
        usage = Path(f"/sys/fs/cgroup/cpuacct/docker/{slot.container.id}/cpuacct.usage")
        total += int(usage.read_text()) / 1e9 if usage.exists() else 0.0
    return total


def bare_fork_ms(count: int = 300) -> float:
    before = sum(sum(resource.getrusage(who)[:2]) for who in (0, -1))
    for _ in range(count):
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
    return (sum(sum(resource.getrusage(who)[:2]) for who in (0, -1)) - before) / count * 1e3


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    fork_ms = bare_fork_ms()
    settings = SandboxSettings(recycle_after=1_000_000)
    with DockerSandbox(settings, ensure_image(print), "performance") as sandbox:
        while len(sandbox._slots) < settings.slots:
            sandbox._admit(wait=True)
        inside, driver, start = container_cpu_s(sandbox), time.process_time(), time.perf_counter()
        programs = (Program(str(n), CODE.format(number=n), "f", CALLS) for n in range(count))
        wrong = sum(outcome.kind != "value" for done in sandbox.run(programs) for outcome in done.calls)
        wall = time.perf_counter() - start
        driver, inside = time.process_time() - driver, container_cpu_s(sandbox) - inside
    print(
        f"{count} programs of {len(CALLS)} calls in {wall:.1f} s: {count / wall:.0f} a second, {wrong} wrong"
    )
    print(
        f"CPU ms a program: containers {inside / count * 1e3:.2f}, driver {driver / count * 1e3:.2f}; "
        f"a bare fork and exit of this process {fork_ms:.2f}; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
