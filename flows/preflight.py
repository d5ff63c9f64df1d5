"""What can be known to be wrong before a run starts, said before a server or a model is started."""

from __future__ import annotations

from pathlib import Path

from flows.server import check_server
from tasks.benchmarks import DECIDING, check_benchmark
from tasks.engines.image import docker_client
from tasks.engines.sampler import ReplaySampler
from tasks.engines.trainer import check_batches
from tasks.errors import FlywheelError
from tasks.models import check_model, local_folder
from tasks.problems import check_sources
from tasks.settings import IterationSettings
from tasks.workspace import Workspace


def check_evaluation(settings: IterationSettings) -> None:
    """The workspace is ours and free, the model a model, benchmarks, Docker and Prefect within reach.

    Raises `FlywheelError`.
    """
    check_server()
    with Workspace(settings.workspace).lock("a run that is about to start"):
        pass
    if (folder := local_folder(settings.model.name)) is not None:
        check_model(folder)
    for name in settings.evaluation.benchmarks:
        check_benchmark(name)
    if settings.engine.replay:
        ReplaySampler.from_jsonl(Path(settings.engine.replay))
    docker_client().close()


def check_decides(settings: IterationSettings) -> None:
    """There are problems that the gate may read. Raises `FlywheelError`."""
    if not set(settings.evaluation.benchmarks) & set(DECIDING):
        raise FlywheelError(
            "evaluation.benchmarks has no dev problems, and no test problem decides anything: "
            f"add {' or '.join(DECIDING)}."
        )


def check_run(settings: IterationSettings) -> None:
    """The same, dev problems, and the files and folders that problems come from. Raises `FlywheelError`."""
    check_decides(settings)
    check_sources(settings.problems)
    check_batches(settings.training)
    check_evaluation(settings)
