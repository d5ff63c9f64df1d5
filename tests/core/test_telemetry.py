"""Nothing tells anybody about its user: real commands in a terminal look up no name but this machine's.

The commands run on empty homes, as on the first day: that is when libraries announce themselves. The hub,
which `flywheel doctor` asks for on purpose, is this machine's here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tasks.core.telemetry import OFF, turn_off
from tests.support import replay
from tests.support.lookups import watch

pytestmark = pytest.mark.server

FLYWHEEL = (sys.executable, "-m", "flows.cli")
# Serve, wait until the server is healthy and has had time for its first report, end.
SERVING = """
import signal, subprocess, sys, time
from flows.commands.serve import healthy
served = subprocess.Popen(sys.argv[2:])
until = time.monotonic() + 120
while not healthy(sys.argv[1]) and time.monotonic() < until:
    time.sleep(0.5)
time.sleep(10)
assert healthy(sys.argv[1]) and served.poll() is None
served.send_signal(signal.SIGINT)
served.wait(60)
"""
ENGINE = """
import sys, time
from pathlib import Path
from tasks.inference.sampler import VllmSampler
from tasks.settings.iteration import EngineSettings
engine = VllmSampler(Path(sys.argv[1]), "float32", 256, EngineSettings(cpu_kv_cache_gb=1), Path(sys.argv[2]))
time.sleep(5)
engine.close()
"""


def new_home(folder: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who has just installed this, with `more`."""
    kept = {name: os.environ[name] for name in ("PATH", "DOCKER_HOST") if name in os.environ}
    own = {"HOME": str(folder), "TERM": "xterm", "HF_ENDPOINT": "http://127.0.0.1:9"}
    return {**kept, **own, **more}


def test_the_watcher_sees_a_lookup_of_native_code_in_a_terminal(tmp_path: Path) -> None:
    asks = ["sh", "-c", "test -t 1 && getent ahosts Collector.Example.org; getent ahosts localhost; exit 7"]
    watched = watch(asks, new_home(tmp_path))
    assert (watched.code, watched.names) == (7, ["collector.example.org"])
    assert "127.0.0.1" in watched.output


def test_the_first_command_in_a_terminal_looks_nothing_up(tmp_path: Path) -> None:
    watched = watch([*FLYWHEEL, "doctor"], new_home(tmp_path))
    assert "packages" in watched.output
    assert watched.names == []


def test_statistics_stay_on_for_who_turns_them_on(tmp_path: Path) -> None:
    """Prefect's look-up at its first import: what the tests here would see if it were not turned off."""
    first_import = [sys.executable, "-c", "import flows.cli, prefect, time; time.sleep(10)"]
    assert watch(first_import, new_home(tmp_path, DO_NOT_TRACK="0")).names != []


def test_served_flows_and_their_server_look_nothing_up(tmp_path: Path) -> None:
    serve = [*FLYWHEEL, "serve", "--preset", "smoke", "--workspace", str(tmp_path / "w"), "--port", "4200"]
    watched = watch([sys.executable, "-c", SERVING, "http://127.0.0.1:4200/api", *serve], new_home(tmp_path))
    assert watched.code == 0, watched.output
    assert watched.names == []


@pytest.mark.soak
def test_a_whole_run_looks_nothing_up(tmp_path: Path) -> None:
    settings = replay.settings_in(tmp_path).model_dump(mode="json", exclude_unset=True)
    wanted = [word for one in assignments(settings) for word in ("--set", one)]
    watched = watch([*FLYWHEEL, "run", *wanted], new_home(tmp_path), 900)
    assert watched.code == 0, watched.output
    assert watched.names == []


@pytest.mark.soak
def test_an_engine_looks_nothing_up(tiny: Path, tmp_path: Path) -> None:
    watched = watch([sys.executable, "-c", ENGINE, str(tiny), str(tmp_path)], new_home(tmp_path), 900)
    assert watched.code == 0, watched.output
    assert watched.names == []


def assignments(settings: Mapping[str, Any], section: str = "") -> Iterator[str]:
    """Settings as `--set` takes them."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from assignments(value, f"{section}{name}.")
        else:
            yield f"{section}{name}={json.dumps(value)}"


@pytest.mark.parametrize("said", [{}, {"DO_NOT_TRACK": "1"}, {"PATH": "/bin", "DO_NOT_TRACK": "yes"}])
def test_off_is_the_default_for_every_library(said: dict[str, str]) -> None:
    environment = dict(said)
    turn_off(environment)
    assert environment == {**OFF, **said}


@pytest.mark.parametrize("value", ["0", "false", "No"])
def test_one_variable_leaves_all_of_them_alone(value: str) -> None:
    environment = {"DO_NOT_TRACK": value}
    turn_off(environment)
    assert environment == {"DO_NOT_TRACK": value}


def test_what_the_environment_says_of_one_library_stays() -> None:
    environment = {"PREFECT_SERVER_ANALYTICS_ENABLED": "true"}
    turn_off(environment)
    assert environment == {**OFF, "PREFECT_SERVER_ANALYTICS_ENABLED": "true"}
