"""The pool of containers: order, faults, recycling, the reaper, and what is said when Docker is missing."""

from __future__ import annotations

import collections
import itertools
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tasks.core import values
from tasks.core.errors import FlywheelError
from tasks.core.records import Execution, Program
from tasks.sandbox.container import LABEL, _host, reap, start_time
from tasks.sandbox.image import FOLDER, docker_client, image_files, image_tag
from tasks.sandbox.pool import WINDOW, DockerSandbox
from tasks.settings.sandbox import SandboxSettings
from tests.sandbox.test_sandbox import DOUBLE, brief, call, run_one


def test_order_and_laziness(sandbox: DockerSandbox) -> None:
    taken = itertools.count()

    def endless() -> Iterator[Program]:
        for number in itertools.count():
            next(taken)
            yield Program(str(number), DOUBLE, "f", (call("f", number),))

    run = sandbox.run(endless())
    first = list(itertools.islice(run, 20))
    assert [execution.program_id for execution in first] == [str(number) for number in range(20)]
    assert [execution.calls[0].value for execution in first] == [str(2 * number) for number in range(20)]
    assert next(taken) <= WINDOW + 20
    run.close()  # type: ignore[attr-defined]
    assert brief(run_one(sandbox, DOUBLE, call("f", 4)).calls) == ["value 8"]


def test_programs_without_calls(sandbox: DockerSandbox) -> None:
    assert list(sandbox.run([])) == []
    assert list(sandbox.run([Program("p", DOUBLE, "f")])) == [Execution("p", (), ())]


def _mine(client: Any, run_id: str) -> Any:
    # One that ends while it is looked at is none.
    mine = {"label": f"{LABEL}.run={run_id}"}
    return client.containers.list(all=True, filters=mine, ignore_removed=True)


def test_a_lost_container_costs_no_outcome(image: str, sandbox_settings: SandboxSettings) -> None:
    client = docker.from_env()
    programs = [Program(str(n), DOUBLE, "f", (call("f", n),)) for n in range(300)]
    with DockerSandbox(sandbox_settings, image, "tests-lost") as sandbox:
        values_seen = []
        for number, execution in enumerate(sandbox.run(programs)):
            if number in (20, 150):
                next(c for c in _mine(client, "tests-lost") if c.status == "running").kill()
            values_seen.append(execution.calls[0].value)
    client.close()
    assert values_seen == [str(2 * n) for n in range(300)]


def test_a_program_that_loses_its_container_is_a_fault(image: str, sandbox_settings: SandboxSettings) -> None:
    settings = sandbox_settings.model_copy(update={"slots": 1, "fault_retries": 0, "wall_s": 30})
    client = docker.from_env()
    sleeper = Program(
        "p", "import time\ndef f(x):\n    time.sleep(20)\n", "f", (call("f", 1),), ("assert f(1)",)
    )
    with DockerSandbox(settings, image, "tests-fault") as sandbox:
        killer = threading.Timer(2.0, lambda: _mine(client, "tests-fault")[0].kill())
        killer.start()
        (execution,) = sandbox.run([sleeper])
        killer.join()
        assert {outcome.kind for outcome in execution.calls + execution.checks} == {"fault"}
        assert brief(run_one(sandbox, DOUBLE, call("f", 4)).calls) == ["value 8"]
    client.close()


def test_containers_are_recycled(image: str, sandbox_settings: SandboxSettings) -> None:
    settings = sandbox_settings.model_copy(update={"recycle_after": 25})
    code = "import socket\ndef f():\n    return socket.gethostname()\n"
    programs = [Program(str(n), code, "f", (call("f"),)) for n in range(100)]
    with DockerSandbox(settings, image, "tests-recycle") as sandbox:
        hosts = collections.Counter(execution.calls[0].value for execution in sandbox.run(programs))
    assert len(hosts) >= 4
    assert max(hosts.values()) <= 25


def test_the_reaper_takes_the_dead_and_spares_the_living(sandbox: DockerSandbox, image: str) -> None:
    client = docker.from_env()
    dead = subprocess.Popen(["true"])
    dead.wait()
    living = subprocess.Popen(["sleep", "60"])

    def orphan(pid: int, started: str, host: str = _host()) -> str:
        labels = {
            LABEL: "1", f"{LABEL}.run": "other", f"{LABEL}.host": host,
            f"{LABEL}.pid": str(pid), f"{LABEL}.started": started,
        }  # fmt: skip
        return str(client.containers.create(image, labels=labels, network_mode="none").id)

    try:
        doomed = {orphan(dead.pid, "1"), orphan(living.pid, "1")}
        spared = {orphan(living.pid, start_time(living.pid)), orphan(dead.pid, "1", host="elsewhere")}
        spared |= {slot.container.id for slot in sandbox._slots}
        assert reap() == len(doomed)
        left = {summary["Id"] for summary in client.api.containers(all=True)}
        assert not doomed & left
        assert spared <= left
    finally:
        living.kill()
        living.wait()
        for container in _mine(client, "other"):
            container.remove(force=True)
        client.close()


def test_no_container_outlives_its_owner(image: str) -> None:
    """The engine closes stdin when the owner's connection ends, and the supervisor ends with its stdin."""
    script = (
        "import os, sys\nfrom tasks.sandbox.pool import DockerSandbox\n"
        "from tasks.settings.iteration import SandboxSettings\n"
        f"DockerSandbox(SandboxSettings(slots=1), {image!r}, 'tests-orphan').__enter__()\n"
        "print('up', flush=True)\nos._exit(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert done.stdout.strip() == "up"
    client = docker.from_env()
    until = time.monotonic() + 20
    while (left := _mine(client, "tests-orphan")) and time.monotonic() < until:
        time.sleep(0.2)
    client.close()
    assert not left


# What is missing is said in one sentence.


def test_a_missing_image_is_named(sandbox_settings: SandboxSettings, image: str) -> None:
    with (
        pytest.raises(FlywheelError, match="no-such-image"),
        DockerSandbox(sandbox_settings, "no-such-image:1", "t"),
    ):
        pass


def test_docker_errors_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/dockerd")
    with pytest.raises(FlywheelError, match="not running"):
        docker_client()
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(FlywheelError, match="not installed"):
        docker_client()
    assert image_tag().startswith("flywheel-sandbox:")

    def refused(**_: Any) -> Any:
        raise docker.errors.DockerException("PermissionError(13, 'Permission denied')")

    monkeypatch.setattr("docker.from_env", refused)
    with pytest.raises(FlywheelError, match="group 'docker'"):
        docker_client()


def test_a_container_sees_a_cgroup_of_its_own(sandbox: DockerSandbox) -> None:
    """Else, on cgroup v2, the meters inside would read the CPU time and the memory of the whole machine."""
    code = "def f():\n    return [line.split(':', 2)[2].strip() for line in open('/proc/self/cgroup')]\n"
    (outcome,) = run_one(sandbox, code, call("f")).calls
    assert outcome.kind == "value"
    assert set(values.decode(outcome.value)) == {"/"}


def test_a_file_that_is_added_to_the_image_changes_its_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "image"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr("tasks.sandbox.image.FOLDER", folder)
    before = image_tag()
    (folder / "one_more.py").write_text("")
    assert image_tag() != before
    assert (folder / "one_more.py") in image_files()
