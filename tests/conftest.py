"""Fixtures that tests of several packages share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from prefect.testing.utilities import prefect_test_harness

from flows.campaign import campaign
from flows.reports.campaign_report import CampaignReport
from tasks.execution.determinism import SandboxPair
from tasks.models.resolve import tiny_random_llama
from tasks.sandbox.image import ensure_image
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.iteration import IterationSettings
from tasks.settings.sandbox import SandboxSettings
from tests.support import replay

# A busy machine is slow, not wrong: no example has a deadline.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# A test that asks for one of these fixtures, however far down, starts what the marker says.
STARTS = {"docker": {"image", "sandbox", "seeds", "two_iterations"}, "server": {"prefect_server"}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, fixtures in STARTS.items():
            if fixtures.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def image() -> str:
    """The sandbox image's tag, built if it is missing."""
    return ensure_image(print)


@pytest.fixture(scope="session")
def sandbox_settings() -> SandboxSettings:
    """Small limits; the wall limit leaves room for a machine that does other work as well."""
    return SandboxSettings(slots=2, memory_mb=128, cpu_s=0.5, wall_s=6, output_kb=64, processes=24)


@pytest.fixture(scope="session")
def sandbox(image: str, sandbox_settings: SandboxSettings) -> Iterator[DockerSandbox]:
    with DockerSandbox(sandbox_settings, image, "tests") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def two_iterations(
    prefect_server: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[IterationSettings, CampaignReport]:
    """A campaign of two iterations with recorded completions: its settings and its report. Read it only."""
    settings = replay.settings_in(tmp_path_factory.mktemp("two_iterations"))
    return settings, campaign(settings)


@pytest.fixture(scope="session")
def seeds(sandbox: DockerSandbox, image: str, sandbox_settings: SandboxSettings) -> Iterator[SandboxPair]:
    """What execution runs on: two pools that differ in their hash seed."""
    with DockerSandbox(sandbox_settings, image, "tests", hash_seed=1) as second:
        yield SandboxPair(sandbox, second)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One temporary Prefect server with a database of its own."""
    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers."""
    return tiny_random_llama(tmp_path_factory.mktemp("tiny") / "model")
