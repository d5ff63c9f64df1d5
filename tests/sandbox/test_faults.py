"""What happens when the driver or a container fails: outcomes stay right, or are faults."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from tasks.core.records import Execution, Program
from tasks.sandbox import pool
from tasks.sandbox.container import LABEL, reap
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings
from tests.sandbox.test_sandbox import DOUBLE, call

REPOSITORY = Path(__file__).parents[2]
# More than the pool takes ahead: when the first outcomes come, much is yet to run.
AHEAD = 2 * pool.WINDOW
WAITS = "import time\ndef f(x):\n    time.sleep(0.03)\n    return x * 2\n"
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dockerd"), reason="starts an engine of its own: needs root"
)


def batch(count: int, code: str = WAITS) -> list[Program]:
    return [Program(str(n), code, "f", (call("f", n),)) for n in range(count)]


def right(executions: list[Execution]) -> bool:
    """Whether these are the outcomes of the first programs of a batch, in order."""
    seen = [(execution.program_id, execution.calls[0].value) for execution in executions]
    return seen == [(str(n), str(2 * n)) for n in range(len(seen))]


def faults(executions: list[Execution]) -> list[str]:
    outcomes = [execution.calls[0] for execution in executions]
    return [outcome.detail for outcome in outcomes if outcome.kind == "fault"]


def containers_of(run_id: str) -> list[Any]:
    client = docker.from_env()
    try:
        return list(client.api.containers(all=True, filters={"label": f"{LABEL}.run={run_id}"}))
    finally:
        client.close()


def driver(run_id: str, body: str) -> subprocess.Popen[str]:
    """Another process with a sandbox of its own, whose `body` may use `sandbox` and `batch`."""
    script = (
        "import json, os, sys\n"
        "from tasks.sandbox.container import reap\n"
        "from tasks.sandbox.image import ensure_image\n"
        "from tasks.sandbox.pool import DockerSandbox\n"
        "from tests.sandbox.test_faults import SandboxSettings, batch, right\n"
        "settings = SandboxSettings(slots=2, memory_mb=128, cpu_s=2, wall_s=60, processes=24)\n"
        f"with DockerSandbox(settings, ensure_image(print), {run_id!r}) as sandbox:\n"
    )
    script += "".join(f"    {line}\n" for line in body.splitlines())
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


# The driver.


def test_a_driver_killed_in_the_middle_leaves_no_container(image: str) -> None:
    bomb = "import os, time\ndef f(x):\n    os.fork() or os.setsid()\n    time.sleep(600)\n"
    process = driver("tests-killed", f"print('up', flush=True)\nlist(sandbox.run(batch(8, code={bomb!r})))")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    until = time.monotonic() + 60
    while len(containers_of("tests-killed")) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1.0)
    assert len(containers_of("tests-killed")) == 2
    process.kill()
    process.communicate()
    # The engine closes the containers' stdin, they end by themselves; the reaper takes what is left.
    reap()
    assert not containers_of("tests-killed")


def test_two_campaigns_never_reap_each_other(image: str) -> None:
    body = (
        "ids = {slot.container.id for slot in sandbox._slots}\n"
        "print(len(ids), flush=True)\n"
        "sys.stdin.readline()\n"
        "done = []\n"
        "for execution in sandbox.run(batch(60)):\n"
        "    done.append(execution)\n"
        "    if len(done) % 20 == 0:\n"
        "        reap()\n"
        "kept = ids <= {slot.container.id for slot in sandbox._slots}\n"
        "print(json.dumps([len(done), right(done), kept]), flush=True)\n"
    )
    processes = [driver(f"tests-campaign-{n}", body) for n in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= 1
    # Both have their containers now: each reaps while the other's work.
    answers = [process.communicate("go\n")[0] for process in processes]
    assert [json.loads(answer) for answer in answers] == [[60, True, True]] * 2


def test_an_engine_that_nobody_can_reach_is_one_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    (tmp_path / "p.jsonl").write_text('{"problem_id": "p", "entry_point": "f"}\n')
    (tmp_path / "s.jsonl").write_text(
        json.dumps({"problem_id": "p", "solution_id": "s", "code": DOUBLE}) + "\n"
    )
    (tmp_path / "t.jsonl").write_text('{"problem_id": "p", "suite_id": "t", "code": "assert f(1) == 2"}\n')
    command = [sys.executable, "-c", "from flows.cli import main; main()", "execute"]
    for name in ("problems", "solutions", "tests", "out"):
        command += [f"--{name}", str(tmp_path / f"{name[0]}.jsonl")]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "nobody.sock" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "o.jsonl").exists()


# A container.


@pytest.mark.soak
def test_a_container_lost_each_time_is_a_fault_within_bounds(
    image: str, sandbox_settings: SandboxSettings
) -> None:
    settings = sandbox_settings.model_copy(update={"slots": 1, "wall_s": 60})
    client, over, killed = docker.from_env(), threading.Event(), set()
    sleeper = "import time\ndef f(x):\n    time.sleep(30)\n"
    with DockerSandbox(settings, image, "tests-lost-always") as sandbox:

        def kill_all() -> None:
            while not over.wait(0.2):
                for slot in list(sandbox._slots):
                    if slot.queue and slot.container.id not in killed:
                        client.api.kill(slot.container.id)
                        killed.add(slot.container.id)

        killer = threading.Thread(target=kill_all)
        killer.start()
        try:
            executions = list(sandbox.run(batch(2, code=sleeper)))
        finally:
            over.set()
            killer.join()
        assert ["lost" in why for why in faults(executions)] == [True, True]
        assert len(killed) == 2 * (settings.fault_retries + 1)
        assert right(list(sandbox.run(batch(5))))
    client.close()


@pytest.mark.soak
def test_a_busy_machine_fails_no_honest_program(image: str, sandbox_settings: SandboxSettings) -> None:
    """Near its CPU limit, with a wall limit that it misses by far: CPU time decides."""
    settings = sandbox_settings.model_copy(update={"slots": 1, "wall_s": 2.0})
    code = "import time\ndef f(x):\n    while time.process_time() < 0.4:\n        pass\n    return x * 2\n"
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(12)]
    try:
        with DockerSandbox(settings, image, "tests-busy") as sandbox:
            executions = list(sandbox.run(batch(3, code=code)))
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert right(executions)


@pytest.mark.soak
@needs_root
def test_the_oom_killer_takes_a_container(image: str, sandbox_settings: SandboxSettings) -> None:
    """A process of the host's fills the container's memory with a file: PID 1 is the largest process."""
    settings = sandbox_settings.model_copy(update={"slots": 1})
    hog = (
        "import os, sys\n"
        "open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()))\n"
        "fd = os.memfd_create('hog')\n"
        "while os.path.exists(f'/proc/{sys.argv[2]}'):\n"
        "    os.write(fd, b'x' * (1 << 20))\n"
    )
    with DockerSandbox(settings, image, "tests-oom") as sandbox:
        assert right(list(sandbox.run(batch(5))))
        container = sandbox._slots[0].container
        pid = container._api.inspect_container(container.id)["State"]["Pid"]
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        own = next(
            line for line in lines if ":memory:" in line or (line.startswith("0::/") and len(lines) == 1)
        )
        root = Path("/sys/fs/cgroup/memory" if ":memory:" in own else "/sys/fs/cgroup")
        folder = root / own.rpartition(":")[2].lstrip("/")
        began, client = int(time.time()), docker.from_env()
        # The end of the container ends what is left in its cgroup, the hog as well.
        subprocess.run([sys.executable, "-c", hog, str(folder), str(pid)], check=False, timeout=60)
        assert not Path(f"/proc/{pid}").exists()
        told = {"event": "oom", "container": container.id}
        assert list(client.events(since=began, until=int(time.time()) + 1, filters=told))
        client.close()
        assert right(list(sandbox.run(batch(20))))
        assert container.id not in {slot.container.id for slot in sandbox._slots}
