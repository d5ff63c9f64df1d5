"""Ctrl-C, SIGTERM and kills, for real: a quick end, one sentence, the run Cancelled, nothing left."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

import docker
import pytest

from tasks.sandbox.container import LABEL
from tests.commands.test_serve import free_port
from tests.support import replay

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 600
END_S = 10
FLYWHEEL = "from flows.cli import main; main()"
WAITING = """
import sys, time
from pathlib import Path
from prefect import flow
from flows.runtime.errors import prepare_prefect
prepare_prefect()
from flows.runtime.crashed_runs import track_flow_run
from flows.runtime.server import reporting
@flow
def waiting():
    with track_flow_run(Path(sys.argv[1])):
        print('waiting', flush=True)
        time.sleep(600)
with reporting(sys.argv[1]):
    waiting()
"""


class Command:
    """A command in a process group of its own, as a terminal starts it, with a Prefect home of its own."""

    def __init__(self, folder: Path, code: str, *arguments: str) -> None:
        self.home = folder / "prefect"
        self._output = folder / "output"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=REPOSITORY,
                env={**environment, "PREFECT_HOME": str(self.home)},
                process_group=0,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.output:
            assert self.process.poll() is None, self.output[-3000:]
            assert time.monotonic() < deadline, self.output[-3000:]
            time.sleep(0.1)

    def stop(self, number: signal.Signals) -> str:
        """Signal the whole group, as Ctrl-C does; what was printed afterwards, but for what a task said that
        was at work until the signal reached it."""
        before = len(self.output)
        os.killpg(self.process.pid, number)
        self.process.wait(END_S)
        said = self.output[before:].splitlines()
        return "\n".join(line for line in said if "| INFO    | Task run '" not in line)

    def states(self) -> set[tuple[str, str]]:
        """Kind and state of all runs, flows and tasks, that did not complete."""
        with sqlite3.connect(self.home / "prefect.db") as database:
            rows = database.execute(
                "select 'flow', state_type from flow_run union select 'task', state_type from task_run"
            )
            return {(kind, state) for kind, state in rows if state != "COMPLETED"}

    def processes(self) -> set[int]:
        """Of this command and all that it started."""
        mark = f"PREFECT_HOME={self.home}".encode()
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.add(int(folder.name))
            except OSError:
                continue
        return found

    def containers_of(self, processes: set[int]) -> list[Any]:
        client = docker.from_env()
        try:
            ours = {str(pid) for pid in processes}
            known = client.api.containers(all=True, filters={"label": LABEL})
            return [one for one in known if one["Labels"].get(f"{LABEL}.pid") in ours]
        finally:
            client.close()

    def nothing_left(self, processes: set[int]) -> bool:
        """Whether, within seconds, neither a process nor a container is left."""
        deadline = time.monotonic() + END_S
        while self.processes() or self.containers_of(processes):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True


ENDING = """
import sys
from prefect import flow, get_run_logger
from flows.runtime.errors import prepare_prefect
prepare_prefect()
from flows.runtime.server import reporting
@flow
def ending():
    get_run_logger().info("the last line")
with reporting(sys.argv[1]):
    ending()
"""


def test_the_last_lines_of_a_run_reach_the_server_before_it_ends(tmp_path: Path) -> None:
    command = Command(tmp_path, ENDING, str(tmp_path / "workspace"))
    assert command.process.wait(PATIENCE_S) == 0
    assert "Error logging" not in command.output
    with sqlite3.connect(command.home / "prefect.db") as database:
        lines = [message for (message,) in database.execute("select message from log")]
    assert "the last line" in lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.docker
def test_a_command_takes_its_server_along(tmp_path: Path, number: signal.Signals) -> None:
    command = Command(tmp_path, WAITING, str(tmp_path / "workspace"))
    command.wait_for("waiting\n")
    processes = command.processes()
    assert len(processes) == 2
    said = command.stop(number)
    if number == signal.SIGKILL:
        assert command.process.returncode == -number
    else:
        assert command.process.returncode == 128 + number
        assert said.strip() == "flywheel: stopped; the same command goes on from here."
        assert command.states() == {("flow", "CANCELLED")}
    assert command.nothing_left(processes)


def test_ctrl_c_ends_a_run_while_containers_work(image: str, tmp_path: Path) -> None:
    command = Command(tmp_path, FLYWHEEL, "run", "--config", str(replay.config_in(tmp_path)))
    command.wait_for("execute-before: ")
    processes = command.processes()
    assert command.containers_of(processes)
    said = command.stop(signal.SIGINT)
    assert command.process.returncode == 128 + signal.SIGINT
    assert said.strip() == "flywheel: stopped; the same command goes on from here."
    assert command.states() == {("flow", "CANCELLED"), ("task", "CANCELLED")}
    assert command.nothing_left(processes)


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    answer: IO[bytes]
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # The server's database is locked for a moment when much is written.
            if error.code != 503 or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def served(folder: Path, port: int) -> Command:
    """`flywheel serve` with a run of the iteration that has come to its containers."""
    config = folder / "settings.toml"
    config = config if config.exists() else replay.config_in(folder)
    command = Command(folder, FLYWHEEL, "serve", "--preset", "", "--config", str(config), "--port", str(port))
    command.wait_for("to start a run")
    api = f"http://127.0.0.1:{port}/api"
    deadline = time.monotonic() + PATIENCE_S
    wanted = {"deployments": {"name": {"any_": ["workspace"]}}, "flows": {"name": {"any_": ["iteration"]}}}
    while not (found := post(f"{api}/deployments/filter", wanted)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    post(f"{api}/deployments/{found[0]['id']}/create_flow_run", {})
    command.wait_for("execute-before: ")
    return command


def test_sigterm_ends_serving_with_its_run(image: str, tmp_path: Path) -> None:
    command = served(tmp_path, free_port())
    processes = command.processes()
    assert command.containers_of(processes)
    said = command.stop(signal.SIGTERM)
    assert command.process.returncode == 0
    assert said.strip() == (
        "flywheel: stopped serving; cancelled workspace: iteration 1: the next run with the same settings "
        "goes on from there."
    )
    assert command.states() == {("flow", "CANCELLED"), ("task", "CANCELLED")}
    assert command.nothing_left(processes)


@pytest.mark.soak
def test_a_killed_serve_leaves_nothing_and_the_next_calls_its_run_crashed(image: str, tmp_path: Path) -> None:
    killed = served(tmp_path, free_port())
    processes = killed.processes()
    killed.stop(signal.SIGKILL)
    assert killed.nothing_left(processes)
    assert ("flow", "RUNNING") in killed.states()
    again = served(tmp_path, free_port())
    said = again.stop(signal.SIGINT)
    assert "cancelled workspace: iteration 1" in said
    assert said.count("\n") == 1
    assert {state for kind, state in again.states() if kind == "flow"} == {"CRASHED", "CANCELLED"}


@pytest.mark.soak
def test_a_cron_starts_iterations_until_nobody_serves(image: str, tmp_path: Path) -> None:
    config = replay.config_in(tmp_path)
    arguments = ("--preset", "", "--config", str(config), "--port", str(free_port()))
    command = Command(tmp_path, FLYWHEEL, "serve", *arguments, "--set", "schedule=* * * * *")
    # The second run starts when the first has ended.
    command.wait_for("iteration 1 in ")
    command.wait_for("iteration 2 in ")
    command.stop(signal.SIGTERM)
    with sqlite3.connect(command.home / "prefect.db") as database:
        started = "select state_type from flow_run where auto_scheduled and start_time is not null order by 1"
        assert [state for (state,) in database.execute(started)] == ["CANCELLED", "COMPLETED"]
        assert {paused for (paused,) in database.execute("select paused from deployment")} == {1}
