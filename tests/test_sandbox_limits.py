"""Every limit of a program is a setting: what one pool refuses, a more generous one allows."""

from __future__ import annotations

from tasks.engines.sandbox import DockerSandbox
from tasks.records import Program
from tasks.settings import SandboxSettings
from tests.test_sandbox import call

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


def test_slots_work_at_once(image: str) -> None:
    programs = [Program(str(n), CODE, "f", (call("host", n),)) for n in range(30)]
    with DockerSandbox(SandboxSettings(slots=3), image, "tests-limits") as sandbox:
        while len(sandbox._slots) < 3:
            sandbox._admit(wait=True)
        hosts = {execution.calls[0].value for execution in sandbox.run(programs)}
    assert len(hosts) == 3
