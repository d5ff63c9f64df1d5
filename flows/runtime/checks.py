"""What can be known to be wrong before a run starts, said before a server or a model is started."""

from __future__ import annotations

from flows.runtime.server import check_server
from tasks.benchmarks.registry import check_benchmark, deciding
from tasks.core.disk import CHECKPOINT_BYTES, MIB, check_room, parameters_of
from tasks.core.errors import FlywheelError
from tasks.core.hub import hub_parameters
from tasks.datasets.pair_rules import chosen_rules
from tasks.filtering.decide import rule_of
from tasks.generation.problems import check_sources
from tasks.inference.engines import engine_of
from tasks.models.resolve import PACKAGED_MODEL, check_model, local_folder
from tasks.pipeline.workspace import Workspace
from tasks.sandbox.backends import backend_of
from tasks.settings.iteration import IterationSettings
from tasks.settings.model import ModelSettings
from tasks.training.process import check_batches

TRAINED = ("train-sft", "train-dpo")
PACKAGED_PARAMETERS = 134_515_008
# Tables and logs of an iteration beside its models, and the work folder's own files.
TABLES_BYTES = 64 * MIB


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
    engine_of(settings.engine).check(settings.engine)
    backend_of(settings.sandbox).check()


def check_decides(settings: IterationSettings) -> None:
    """There are problems that the gate may read. Raises `FlywheelError`."""
    if not set(settings.evaluation.benchmarks) & set(deciding()):
        raise FlywheelError(
            "evaluation.benchmarks has no dev problems, and no test problem decides anything: "
            f"add {' or '.join(deciding())}."
        )


def check_lengths(settings: IterationSettings) -> None:
    """Raises `FlywheelError` where samples may be longer than what is trained on."""
    longest, context = settings.training.max_length, settings.sampling.max_context_tokens
    if longest < context:
        raise FlywheelError(
            f"training.max_length {longest} is below sampling.max_context_tokens {context}, so rows of long "
            f"samples would be dropped: raise the former to {context}, or lower the latter."
        )


def check_models_fit(settings: IterationSettings) -> None:
    """The workspace's disk has room for the models that training will leave. Raises `FlywheelError`.

    What a resumed iteration has trained already is there. Where nobody tells how large the base model is,
    training itself looks.
    """
    workspace = Workspace(settings.workspace)
    done = {stage.stage for stage in workspace.stages(workspace.number_for(settings))}
    models = sum(stage not in done for stage in TRAINED)
    parameters = base_parameters(settings.model)
    if models and parameters:
        check_room(
            workspace.root,
            models * CHECKPOINT_BYTES * parameters + TABLES_BYTES,
            f"the models that training leaves ({models} of {parameters / 1e6:.3g} million parameters) need",
            "name a workspace elsewhere with --workspace",
        )


def base_parameters(settings: ModelSettings) -> int:
    """Parameters of the base model where its files are at hand, or the hub tells; else 0."""
    if settings.name == PACKAGED_MODEL:
        return PACKAGED_PARAMETERS
    folder = local_folder(settings.name)
    return parameters_of(folder) if folder is not None else hub_parameters(settings.name)


def check_run(settings: IterationSettings) -> None:
    """The same, the rule, dev problems, and the files and folders that problems come from.

    Raises `FlywheelError`.
    """
    rule_of(settings.agreement)
    chosen_rules(settings.preferences)
    check_decides(settings)
    check_lengths(settings)
    check_sources(settings.problems)
    check_batches(settings.training)
    check_evaluation(settings)
    check_models_fit(settings)
