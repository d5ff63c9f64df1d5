"""Every limit of a program is a setting: what one pool refuses, a more generous one allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.records import Program
from tasks.sandbox.container import LEAST_WALL_S, time_limits
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings
from tests.sandbox.test_sandbox import call

CODE = """
import socket, time

def memory(mb):
    return len(bytearray(mb << 20)) >> 20

def cpu(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return seconds

def wall(seconds):
    time.sleep(seconds)
    return seconds

def output(kb):
    return len(b"x" * 1024 * kb), b"x" * 512 * kb

def host(x):
    time.sleep(0.2)
    return socket.gethostname()
"""
NEEDS = (call("memory", 150), call("cpu", 0.6), call("wall", 3), call("output", 40))


def kinds(settings: SandboxSettings, image: str) -> list[str]:
    """The outcomes of four needs, each in a program of its own."""
    with DockerSandbox(settings, image, "tests-limits") as sandbox:
        programs = [Program(need.function, CODE, "f", (need,)) for need in NEEDS]
        outcomes = [execution.calls[0] for execution in sandbox.run(programs)]
    return [outcome.kind for outcome in outcomes]


def test_limits_are_settings(image: str) -> None:
    tight = SandboxSettings(slots=1, memory_mb=96, cpu_s=0.3, wall_s=1, output_kb=16)
    assert kinds(tight, image) == ["memory", "timeout", "timeout", "output_limit"]
    roomy = SandboxSettings(slots=1, memory_mb=256, cpu_s=2, wall_s=20, output_kb=64)
    assert kinds(roomy, image) == ["value"] * 4


@given(st.floats(0.01, 600), st.floats(0.01, 3600), st.floats(0, 1000))
def test_a_program_may_have_less_time_than_the_settings_give(cpu_s: float, wall_s: float, own: float) -> None:
    settings = SandboxSettings(cpu_s=cpu_s, wall_s=wall_s)
    cpu, wall = time_limits(settings, own)
    assert cpu == (min(own, cpu_s) if own else cpu_s)
    assert min(wall_s, LEAST_WALL_S) <= wall <= wall_s
    assert wall in (wall_s, LEAST_WALL_S, pytest.approx(wall_s * cpu / cpu_s))


def test_a_program_that_never_ends_has_its_own_cpu_time(image: str) -> None:
    code = "def f(x):\n    while x:\n        pass\n    return x\n"
    own = Program("own", code, "f", (call("f", 1), call("f", 0)), ("assert f(1)",), cpu_s=0.2)
    steps = Program("steps", code, "f", steps=("assert f(1)", call("f", 1)), cpu_s=0.2)
    enough = Program("enough", CODE, "f", (call("cpu", 0.6),))
    with DockerSandbox(SandboxSettings(slots=1, cpu_s=60, wall_s=180), image, "tests-limits") as sandbox:
        first, second, third = sandbox.run([own, steps, enough])
    endless = [first.calls[0], *first.checks, *second.steps]
    assert [(outcome.kind, outcome.detail) for outcome in endless] == [("timeout", "cpu")] * 4
    # The kernel looks at the clock now and then; a busy machine delays the end, not by seconds of CPU time.
    assert all(190 < outcome.cpu_ms < 2000 for outcome in endless)
    assert (first.calls[1].kind, third.calls[0].kind) == ("value", "value")


def test_slots_work_at_once(image: str) -> None:
    programs = [Program(str(n), CODE, "f", (call("host", n),)) for n in range(30)]
    with DockerSandbox(SandboxSettings(slots=3), image, "tests-limits") as sandbox:
        while len(sandbox._slots) < 3:
            sandbox._admit(wait=True)
        hosts = {execution.calls[0].value for execution in sandbox.run(programs)}
    assert len(hosts) == 3
