"""What happens when the engine or its disk fails: outcomes stay right, or are faults.

Whatever ends or fills an engine does it to a `dockerd` of its own: other data, socket, state and network than
the user's. These tests need root and are for `make soak`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest
import requests.exceptions

from tasks.sandbox import pool
from tasks.sandbox.container import reap
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings
from tests.sandbox.test_faults import AHEAD, batch, containers_of, faults, needs_root, right


class Engine:
    """A Docker engine apart from the user's in everything: data, socket, state, network."""

    def __init__(self, data_mb: int = 0) -> None:
        # Short: the paths of its sockets have 107 characters at most.
        self.folder = Path(tempfile.gettempdir()) / f"flywheel-{os.urandom(6).hex()}"
        self.folder.mkdir(mode=0o700)
        self.host = f"unix://{self.folder}/docker.sock"
        self.data = self.folder / "data"
        self.data.mkdir()
        if data_mb:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={data_mb}m", "none", self.data], check=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {
            "data-root": self.data, "exec-root": self.folder / "exec", "pidfile": self.folder / "pid",
            "host": self.host, "bridge": "none", "iptables": "false", "ip-forward": "false",
            "containerd-namespace": self.folder.name, "containerd-plugins-namespace": f"{self.folder.name}-p",
        }  # fmt: skip
        # In a network of its own: without a bridge, dockerd removes the docker0 that it finds.
        command = ["unshare", "--net", "dockerd", *(f"--{name}={value}" for name, value in options.items())]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 60
        while True:
            try:
                client = docker.DockerClient(self.host, timeout=60)
                client.ping()
                client.close()
                return
            except (docker.errors.DockerException, requests.exceptions.RequestException):
                assert time.monotonic() < until
                assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.1)

    def load(self, image: str) -> None:
        theirs, ours = docker.from_env(), docker.DockerClient(self.host, timeout=120)
        ours.images.load(b"".join(theirs.images.get(image).save(named=True)))
        theirs.close()
        ours.close()

    def end(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()

    def remove(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end()
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def started(image: str, data_mb: int = 0) -> Iterator[Engine]:
    engine = Engine(data_mb)
    try:
        engine.start()
        engine.load(image)
        yield engine
    finally:
        engine.remove()


@pytest.fixture(scope="module")
def shared_engine(image: str) -> Iterator[Engine]:
    with started(image) as engine:
        yield engine


@pytest.fixture
def engine(shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The module's engine, up, and what `docker` means in this test."""
    if shared_engine.process is None or shared_engine.process.poll() is not None:
        shared_engine.start()
    monkeypatch.setenv("DOCKER_HOST", shared_engine.host)
    return shared_engine


@pytest.mark.soak
@needs_root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_restarts_costs_no_outcome(
    image: str, sandbox_settings: SandboxSettings, engine: Engine, number: int
) -> None:
    done = []
    with DockerSandbox(sandbox_settings, image, "tests-restart") as sandbox:
        for execution in sandbox.run(batch(AHEAD)):
            done.append(execution)
            if len(done) == 50:
                engine.end(number)
                restart = threading.Timer(3.0, engine.start)
                restart.start()
        restart.join()
    assert len(done) == AHEAD
    assert right(done)
    reap()
    assert not containers_of("tests-restart")


@pytest.mark.soak
@needs_root
def test_an_engine_that_is_gone_is_a_fault_until_it_is_back(
    image: str, sandbox_settings: SandboxSettings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_S", 3.0)
    done = []
    with DockerSandbox(sandbox_settings, image, "tests-gone") as sandbox:
        for execution in sandbox.run(batch(AHEAD)):
            done.append(execution)
            if len(done) == 50:
                engine.end()
        assert len(done) == AHEAD
        known = [execution for execution in done if execution.calls[0].kind != "fault"]
        assert right(known)
        assert len(known) >= 50
        assert len(faults(done)) == AHEAD - len(known)
        assert all("Docker is not running" in why for why in set(faults(done)))
        engine.start()
        assert right(list(sandbox.run(batch(50))))
    assert not containers_of("tests-gone")


@pytest.mark.soak
@needs_root
def test_an_engine_that_hangs_for_a_while_costs_no_outcome(
    image: str, sandbox_settings: SandboxSettings, engine: Engine
) -> None:
    settings = sandbox_settings.model_copy(update={"wall_s": 1.0})
    assert engine.process is not None
    pid, done = engine.process.pid, []
    with DockerSandbox(settings, image, "tests-hang") as sandbox:
        for execution in sandbox.run(batch(AHEAD)):
            done.append(execution)
            if len(done) == 50:
                os.kill(pid, signal.SIGSTOP)
                wake = threading.Timer(pool._patience_s(settings) + 5, os.kill, (pid, signal.SIGCONT))
                wake.start()
        wake.join()
    assert len(done) == AHEAD
    assert right(done)
    assert not containers_of("tests-hang")


# A disk.


@pytest.mark.soak
@needs_root
def test_a_full_disk_of_the_engine_is_a_fault_that_says_so(
    image: str, sandbox_settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_S", 3.0)
    settings = sandbox_settings.model_copy(update={"recycle_after": 100})
    with started(image, data_mb=600) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        done, over = [], threading.Event()

        def fill() -> None:
            """Takes every page, those too that the engine frees when it removes a container."""
            with open(engine.data / "filler", "wb", buffering=0) as file:
                while not over.is_set():
                    try:
                        file.write(b"x" * 4096)
                    except OSError:
                        time.sleep(0.001)

        filler = threading.Thread(target=fill, daemon=True)
        with DockerSandbox(settings, image, "tests-full") as sandbox:
            for execution in sandbox.run(batch(AHEAD)):
                done.append(execution)
                if len(done) == 10:
                    filler.start()
            known = [execution for execution in done if execution.calls[0].kind != "fault"]
            assert right(known)
            assert len(known) + len(faults(done)) == AHEAD
            assert faults(done)
            assert all("no space left" in why for why in faults(done))
            over.set()
            filler.join()
            (engine.data / "filler").unlink()
            assert right(list(sandbox.run(batch(50))))
        assert not containers_of("tests-full")
