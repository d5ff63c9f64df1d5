"""Batches bracketed by canaries: a container that turns bad on the way releases nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox_image
from tasks.core.records import Program
from tasks.sandbox.image import docker_client
from tasks.sandbox.pool import DockerSandbox
from tasks.sandbox.worker import BATCH
from tasks.settings.sandbox import SandboxSettings
from tests.sandbox.test_sandbox import DOUBLE, call

TURNS_BAD_AFTER = 20
HONEST = "            result = os.memfd_create"
CORRUPTION = f"""
            self.count = getattr(self, "count", 0) + 1
            if self.count > {TURNS_BAD_AFTER}:
                child.plain._int_text = lambda value: int.__repr__(value + 1)
"""


@pytest.fixture(scope="module")
def corrupted(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image whose interpreter miscounts, in every process that is forked after the first few."""
    folder = tmp_path_factory.mktemp("corrupted")
    source = (Path(sandbox_image.__path__[0]) / "supervisor.py").read_text()
    assert source.count(HONEST) == 1
    (folder / "supervisor.py").write_text(source.replace(HONEST, CORRUPTION + HONEST))
    (folder / "Dockerfile").write_text(f"FROM {image}\nCOPY supervisor.py /opt/flywheel/sandbox_image/\n")
    client = docker_client()
    built, _ = client.images.build(path=str(folder), tag="flywheel-tests:corrupted", network_mode="none")
    yield str(built.tags[0])
    client.images.remove(built.id, force=True)
    client.close()


def programs(count: int) -> list[Program]:
    return [Program(str(n), DOUBLE, "f", (call("f", n), call("f", -n))) for n in range(count)]


def test_what_a_container_answered_before_it_turned_bad_is_run_again(
    image: str, corrupted: str, sandbox_settings: SandboxSettings
) -> None:
    settings = sandbox_settings.model_copy(update={"slots": 1, "fault_retries": 0})
    count = BATCH + 10
    with DockerSandbox(settings, corrupted, "tests-canaries") as sandbox:
        bad = sandbox._slots[0].container
        sandbox.image = image
        executions = list(sandbox.run(programs(count)))
        assert all(slot.container is not bad for slot in sandbox._slots)
    seen = [[outcome.value for outcome in execution.calls] for execution in executions]
    assert seen == [[str(2 * n), str(-2 * n)] for n in range(count)]


def test_containers_that_are_all_bad_give_faults_and_never_a_wrong_outcome(
    corrupted: str, sandbox_settings: SandboxSettings
) -> None:
    settings = sandbox_settings.model_copy(update={"fault_retries": 0})
    with DockerSandbox(settings, corrupted, "tests-canaries") as sandbox:
        executions = list(sandbox.run(programs(40)))
    faults = 0
    for n, execution in enumerate(executions):
        kinds = {outcome.kind for outcome in execution.calls}
        assert kinds in ({"value"}, {"fault"})
        if kinds == {"fault"}:
            faults += 1
            assert "canary" in execution.calls[0].detail
        else:
            assert [outcome.value for outcome in execution.calls] == [str(2 * n), str(-2 * n)]
    assert 0 < faults < len(executions)
